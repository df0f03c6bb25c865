// The chunk that is loaded when it is asked for first: the engine uring, a third of the core, which many programs never
// use. What it makes is needed at once, so it is CommonJS: a function of the names of the core that it needs.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { COMMON, DIST, version } from "./settings.mjs";

/** The module, and its functions, which stand in the core and load the chunk. */
export const LATE = {
  start: join(DIST, "engine/uring/uring-engine.js"),
  functions: ["createUringEngine", "uringAvailability", "uringEngine", "uringProbes"],
};

const CHUNK = "chunks/uring";
const LATE_PART = fileURLToPath(new URL("late-part.mjs", import.meta.url));
const MISSING = fileURLToPath(new URL("missing-uring.mjs", import.meta.url));
const IMPORT = /^import \{([^}]*)\} from "(\.[^"]+)";/gm;

/** Puts in the place of the module what loads the chunk. `given`: what the chunk gets of the core. */
export function standIn({ stamp, given } = { stamp: "", given: new Map() }) {
  const imports = [...given].map(
    ([key, { name, path }]) => `import { ${name} as ${key} } from ${JSON.stringify(path)};`,
  );
  const contents = `
    import { latePart } from ${JSON.stringify(LATE_PART)};
    import { missingUring } from ${JSON.stringify(MISSING)};
    import { NetError } from ${JSON.stringify(join(DIST, "errors.js"))};
    import { lookUpPlaces } from ${JSON.stringify(join(DIST, "installed.js"))};
    ${imports.join("\n")}
    let made;
    function part() {
      made ??= latePart(import.meta.url, "uring.cjs", "${stamp}", lookUpPlaces, () => ({ ${[...given.keys()]} }));
      made ??= missingUring(NetError, "${version}");
      return made;
    }
    ${LATE.functions.map((name) => `export function ${name}(...args) { return part().${name}(...args); }`).join("\n")}`;
  return {
    name: "stand-in",
    setup({ onLoad }) {
      onLoad({ filter: /uring-engine\.js$/ }, () => ({ contents, resolveDir: DIST }));
    },
  };
}

/** Makes the chunk of what the module imports and `core` has not. */
export async function makeLateChunk(core) {
  const given = new Map();
  const fromGiven = {
    name: "from-given",
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path: importer }) => ({
        contents: readFileSync(importer, "utf8").replace(IMPORT, (line, list, from) => {
          const path = join(dirname(importer), from);
          const place = core.get(path);
          if (place === undefined) return line;
          const names = list.replace(/(\w+)(?: as (\w+))?/g, (_, name, alias = name) => {
            given.set(`${name}${place.suffix}`, { name, path });
            return `${name}${place.suffix}: ${alias}`;
          });
          return `const {${names}} = GIVEN;`;
        }),
      }));
    },
  };
  const { outputFiles } = await build({
    ...COMMON,
    format: "cjs",
    entryPoints: [LATE.start],
    entryNames: CHUNK,
    outExtension: { ".js": ".cjs" },
    banner: { js: "exports.make=(function(GIVEN){var module={exports:{}};" },
    footer: { js: "return module.exports});" },
    plugins: [fromGiven],
  });
  const files = outputFiles.map(({ path, text }) => ({ path, text }));
  const script = files.find(({ path }) => path.endsWith(".cjs"));
  const stamp = createHash("sha256").update(version).update(script.text).digest("hex").slice(0, 16);
  script.text = script.text.replace(/(?=\n\/\/# sourceMappingURL)/, `\nexports.stamp="${stamp}";`);
  return { files, made: { stamp, given } };
}
