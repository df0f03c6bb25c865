// Makes of the modules in dist/ what is published: one bundle for each entry point, with the chunks
// that they share; of the declarations those that an entry point reaches. Starting is faster by the
// time that finding, reading and scanning some hundred files takes. `npm run build` makes modules of it again.
// With the path of a folder, what is published is made there, and dist/ stays as it is.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
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

/** Lines are short, so that a stack trace without source maps leads to a place, and names stay what they are. */
const COMMON = {
  absWorkingDir: dirname(DIST),
  outdir: DIST,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  write: false,
  minifyWhitespace: true,
  lineLimit: 120,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
};

/**
 * Modules that become one chunk each, with all that they import and no chunk above has: left to itself, the bundler makes a
 * chunk for each set of entry points that share a module, and each file costs a program that starts. `import("…")`
 * leads from one of them to another.
 */
const WHOLE = [
  { start: "index", chunk: "chunks/core" },
  { start: "dial/tunnel", chunk: "chunks/tunnel" },
  { start: "http/index", chunk: "chunks/http" },
].map(({ start, chunk }) => ({ start: join(DIST, `${start}.js`), chunk }));

/** Of each module that is in such a chunk: that chunk, and by which names it exports what the module exports. */
const placed = new Map();

/** What modules import of such a chunk they import from there, by a name that {@link write} makes a path of. */
const chunksApart = {
  name: "chunks-apart",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const at = (from) => join(dirname(path), from);
      const contents = text
        .replace(/^(import|export) \{([^}]*)\} from "(\.[^"]+)";/gm, (line, word, list, from) => {
          const place = placed.get(at(from));
          if (place === undefined) return line;
          const names = list.replace(
            /(\w+)( as \w+)?/g,
            (_, name, alias = ` as ${name}`) => `${name}${place.suffix}${alias}`,
          );
          return `${word} {${names}} from "chunk:${place.chunk}";`;
        })
        .replace(/import\("(\.[^"]+)"\)/g, (call, from) => {
          const whole = WHOLE.find(({ start }) => start === at(from));
          return whole === undefined ? call : `import("chunk:${whole.chunk}")`;
        });
      return { contents };
    });
    onResolve({ filter: /^chunk:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

const kept = new Set();
for (const whole of WHOLE) await bundleWhole(whole);
write(
  await build({
    ...COMMON,
    entryPoints: ENTRIES.map((entry) => join(DIST, `${entry}.js`)),
    outbase: DIST,
    chunkNames: "chunks/[hash]",
    splitting: true,
    plugins: [entriesApart, chunksApart],
  }),
);
for (const entry of PUBLIC) keepDeclarations(join(DIST, `${entry}.d.ts`));
for (const path of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const file = join(path.parentPath, path.name);
  if (path.isFile() && !kept.has(file)) rmSync(file);
}
removeEmptyFolders(DIST);
const files = [...kept].filter((file) => file.endsWith(".js"));
console.log(`bundle: ${files.length} files of JavaScript, ${kept.size} files in all`);
if (files.length === 0) process.exit(1);

/** Makes one chunk of all modules that `start` reaches and no other chunk has. */
async function bundleWhole({ start, chunk }) {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [start],
    metafile: true,
    plugins: [chunksApart],
  });
  const places = new Map();
  const lines = [`export * from ${JSON.stringify(start)};`];
  for (const [index, input] of Object.keys(metafile.inputs).entries()) {
    const path = join(dirname(DIST), input);
    const names = Object.keys(await import(pathToFileURL(path)));
    if (names.length === 0) continue;
    const suffix = `$${index}`;
    places.set(path, { chunk, suffix });
    const words = names.map((name) => `${name} as ${name}${suffix}`);
    lines.push(`export { ${words.join(", ")} } from ${JSON.stringify(path)};`);
  }
  const contents = lines.join("\n");
  write(
    await build({
      ...COMMON,
      stdin: { contents, resolveDir: DIST, sourcefile: "chunk.js" },
      entryNames: chunk,
      plugins: [chunksApart],
    }),
  );
  for (const [path, place] of places) placed.set(path, place);
}

/** Writes what the bundler has made. */
function write({ outputFiles }) {
  for (const { path, text } of outputFiles) {
    const folder = relative(dirname(path), DIST) || ".";
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll(/"chunk:([^"]+)"/g, `"${folder}/$1.js"`));
    kept.add(path);
  }
}

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
