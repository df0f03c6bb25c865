// Chunks that are made of all that a module imports. Left to itself, the bundler makes a chunk for each set of entry
// points that share a module, and each file costs a program that starts.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { builtInsAtHand } from "./built-ins.mjs";
import { LATE, makeLateChunk, standIn } from "./late-chunk.mjs";
import { COMMON, DIST, FOLDER } from "./settings.mjs";

/** Each has what its module imports and no chunk above has. `import("…")` leads from one to another. */
const CHUNKS = [
  { start: "index.js", chunk: "chunks/core" },
  { start: "dial/tunnel.js", chunk: "chunks/tunnel" },
  { start: "http/index.js", chunk: "chunks/http" },
].map(({ start, chunk }) => ({ start: join(DIST, start), chunk }));

/** Of each module that is in a chunk: that chunk, and what it puts behind the names that the module exports. */
const placed = new Map();

const IMPORT = /^(import|export) \{([^}]*)\} from "(\.[^"]+)";/gm;

/** What modules import of the chunks that are made they import from there, by a name that `write` makes a path of. */
export const chunksApart = {
  name: "chunks-apart",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const at = (from) => join(dirname(path), from);
      const contents = readFileSync(path, "utf8")
        .replace(IMPORT, (line, word, list, from) => {
          const place = placed.get(at(from));
          if (place === undefined) return line;
          const names = list.replace(
            /(\w+)( as \w+)?/g,
            (_, name, alias = ` as ${name}`) => `${name}${place.suffix}${alias}`,
          );
          return `${word} {${names}} from "chunk:${place.chunk}";`;
        })
        .replace(/import\("(\.[^"]+)"\)/g, (call, from) => {
          const known = CHUNKS.find(({ start }) => start === at(from));
          return known === undefined ? call : `import("chunk:${known.chunk}")`;
        });
      return { contents };
    });
    onResolve({ filter: /^chunk:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

/** Makes them all; answers the bundler's files. */
export async function makeWholeChunks() {
  const files = [];
  for (const { start, chunk } of CHUNKS) files.push(...(await makeWholeChunk(start, chunk)));
  return files;
}

async function makeWholeChunk(start, chunk) {
  const reached = await build({
    ...COMMON,
    entryPoints: [start],
    metafile: true,
    plugins: [standIn(), chunksApart],
  });
  const places = new Map();
  const lines = [`export * from ${JSON.stringify(start)};`];
  for (const [index, input] of Object.keys(reached.metafile.inputs).entries()) {
    const path = join(FOLDER, input);
    if (!path.startsWith(DIST)) continue;
    const suffix = `$${index}`;
    const isLate = path === LATE.start;
    const names = isLate ? LATE.functions : Object.keys(await import(pathToFileURL(path)));
    const words = names.map((name) => `${name} as ${name}${suffix}`);
    places.set(path, { chunk, suffix });
    lines.push(`export { ${words.join(", ")} } from ${JSON.stringify(path)};`);
  }
  const late = places.has(LATE.start) ? await makeLateChunk(places) : { files: [] };
  const { outputFiles } = await build({
    ...COMMON,
    stdin: { contents: lines.join("\n"), resolveDir: DIST, sourcefile: "chunk.js" },
    entryNames: chunk,
    plugins: [standIn(late.made), chunksApart, builtInsAtHand],
  });
  for (const [path, place] of places) placed.set(path, place);
  return [...late.files, ...outputFiles];
}
