// Makes of the modules in dist/ what is published: one bundle for each entry point, with the chunks
// that they share; of the declarations those that an entry point reaches. Starting is faster by the
// time that finding and reading some hundred files takes. `npm run build` makes modules of it again.
// With the path of a folder, what is published is made there, and dist/ stays as it is.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = process.argv[2] === undefined ? ROOT : resolve(process.argv[2]);
const DIST = join(FOLDER, "dist/");

if (FOLDER !== ROOT) {
  rmSync(FOLDER, { recursive: true, force: true });
  for (const part of ["package.json", "bin", "dist"]) {
    cpSync(join(ROOT, part), join(FOLDER, part), { recursive: true });
  }
}

const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

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

const { metafile } = await build({
  absWorkingDir: dirname(DIST),
  entryPoints: ENTRIES.map((entry) => join(DIST, `${entry}.js`)),
  outdir: DIST,
  outbase: DIST,
  chunkNames: "chunks/[hash]",
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  metafile: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  plugins: [entriesApart],
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
});

const kept = new Set(Object.keys(metafile.outputs).map((path) => join(dirname(DIST), path)));
for (const entry of PUBLIC) keepDeclarations(join(DIST, `${entry}.d.ts`));
for (const path of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const file = join(path.parentPath, path.name);
  if (path.isFile() && !kept.has(file)) rmSync(file);
}
removeEmptyFolders(DIST);
const files = [...kept].filter((file) => file.endsWith(".js"));
console.log(`bundle: ${files.length} files of JavaScript, ${kept.size} files in all`);
if (files.length === 0) process.exit(1);

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

function removeEmptyFolders(folder) {
  for (const path of readdirSync(folder, { withFileTypes: true })) {
    if (path.isDirectory()) removeEmptyFolders(join(folder, path.name));
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}
