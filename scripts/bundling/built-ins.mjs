// Modules of Node in what is published: asked of the process, by `getBuiltinModule`. To `import` one, Node makes a module with
// each of its names, and reads them all: getters load what nobody wants (`fs.promises`, parts of `process` and `util`).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "./settings.mjs";

const IMPORT = /^import (?:(\w+)(?:, )?)?(?:\{([^}]*)\} )?(?:from )?"(node:[^"]+)";/gm;

/** What is asked of the process: module → the names that are used of it, by any module of ours. */
function namesUsed() {
  const used = new Map();
  for (const path of readdirSync(DIST, { recursive: true })) {
    if (!path.endsWith(".js") || path.startsWith("cli")) continue;
    for (const [, , list = "", module] of readFileSync(join(DIST, path), "utf8").matchAll(IMPORT)) {
      const names = used.get(module) ?? new Set();
      for (const word of list.split(",")) {
        const name = word.replace(/ as .*/, "").trim();
        if (name !== "") names.add(name);
      }
      used.set(module, names);
    }
  }
  return used;
}

/** Puts in the place of an import of Node's own what asks the process for it. */
export const builtInsAtHand = {
  name: "built-ins-at-hand",
  setup({ onLoad, onResolve }) {
    const used = namesUsed();
    onResolve({ filter: /^node:/ }, ({ path }) => ({
      path,
      namespace: "built-in",
      sideEffects: false,
    }));
    onLoad({ filter: /./, namespace: "built-in" }, ({ path }) => {
      const names = [...(used.get(path) ?? [])];
      const lines = names.map((name) => `export const ${name} = module.${name};`);
      const found =
        path === "node:process"
          ? "globalThis.process"
          : `globalThis.process.getBuiltinModule("${path}")`;
      return {
        contents: `const module = ${found};\n${lines.join("\n")}\nexport default module;`,
      };
    });
  },
};
