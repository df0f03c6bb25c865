// Makes of the modules in dist/ what is published: one bundle for each entry point, with the chunks
// that they share; of the declarations those that an entry point reaches. Starting is faster by the
// time that finding, reading and scanning some hundred files takes. `npm run build` makes modules of it again.
// With the path of a folder, what is published is made there, and dist/ stays as it is.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { COMMON, DIST, exports, FOLDER, ROOT } from "./bundling/settings.mjs";
import { chunksApart, makeWholeChunks } from "./bundling/whole-chunks.mjs";

if (FOLDER !== ROOT) {
  if (!mayBeReplaced(FOLDER)) {
    console.error(
      `bundle: ${FOLDER} has other things in it than hp-socket: name a folder that is empty or not there`,
    );
    process.exit(1);
  }
  rmSync(FOLDER, { recursive: true, force: true });
  for (const part of ["package.json", "bin", "dist"]) {
    cpSync(join(ROOT, part), join(FOLDER, part), { recursive: true });
  }
  // The modules that are bundled are also run, wherever the folder lies.
  symlinkSync(join(ROOT, "node_modules"), join(FOLDER, "node_modules"));
}

/** What others import, the worker of HttpSyncClient too. */
const PUBLIC = Object.values(exports).flatMap(({ default: file }) =>
  file === undefined ? [] : [file.replace(/^\.\/dist\/(.*)\.js$/, "$1")],
);
const ENTRIES = [...PUBLIC, "cli/main"];

/** The command line uses the other entry points as they are, so that they stay whole. */
const entriesApart = {
  name: "entries-apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.js$/ }, ({ importer, path, resolveDir }) => {
      if (!relative(DIST, importer).startsWith("cli")) return undefined;
      const entry = relative(DIST, join(resolveDir, path));
      return { path: `../${entry}`, external: true };
    });
  },
};

const made = await makeWholeChunks();
const { outputFiles } = await build({
  ...COMMON,
  entryPoints: ENTRIES.map((entry) => join(DIST, `${entry}.js`)),
  outbase: DIST,
  chunkNames: "chunks/[hash]",
  splitting: true,
  plugins: [entriesApart, chunksApart],
});
made.push(...outputFiles);

const kept = new Set();
for (const entry of PUBLIC) keepDeclarations(join(DIST, `${entry}.d.ts`));
for (const path of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const file = join(path.parentPath, path.name);
  if (path.isFile() && !kept.has(file)) rmSync(file);
}
removeEmptyFolders(DIST);
for (const { path, text } of made) write(path, text);
const count = made.filter(({ path }) => !path.endsWith(".map")).length;
console.log(`bundle: ${count} files of JavaScript, ${kept.size + made.length} files in all`);
if (count === 0) process.exit(1);

/** A declaration and all that it imports. */
function keepDeclarations(file) {
  if (kept.has(file)) return;
  kept.add(file);
  const text = readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
  writeFileSync(file, text);
  for (const [, path] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)\.js"/g)) {
    keepDeclarations(join(dirname(file), `${path}.d.ts`));
  }
}

/** A folder that is not there, that is empty, or in which hp-socket was made before. */
function mayBeReplaced(folder) {
  try {
    if (readdirSync(folder).length === 0) return true;
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name === "hp-socket";
  } catch (error) {
    return error.code === "ENOENT" && !existsSync(folder);
  }
}

function removeEmptyFolders(folder) {
  for (const path of readdirSync(folder, { withFileTypes: true })) {
    if (path.isDirectory()) removeEmptyFolders(join(folder, path.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Writes a file of the bundler's, with the paths of the chunks that it imports. */
function write(path, text) {
  const chunks = relative(dirname(path), DIST) || ".";
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.replaceAll(/"chunk:([^"]+)"/g, `"${chunks}/$1.js"`));
}
