// Packs the package and uses it as five kinds of project do, each in a folder of its own with what
// was packed installed: `node scripts/try-package.mjs`. Then it makes the templates with the packed program, and runs their
// tests. What is packed is looked at as well: no file that
// a link of README.md leads to is missing, and declarations have no maps.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "hp-socket-package-"));

/** The same small talk in all of them: TCP, HTTP, and the synchronous client, which needs its worker. */
const TALK = `
  const server = new HttpServer({ onRequest: (exchange) => exchange.respond(200, {}, "hello") });
  const { port } = await server.listen({ host: "127.0.0.1" });
  const agent = new HttpAgent();
  const response = await agent.fetch(\`http://127.0.0.1:\${port}/\`);
  const text = await response.text();
  await agent.stop();
  await server.stop();
  const echo = new TcpServer({ receive: pack(), onReceive: (connection, packet) => void connection.send(packet) });
  const client = new TcpClient({ receive: pack() });
  await client.connect(await echo.listen({ host: "127.0.0.1" }));
  const packet = await client.request(text);
  await client.stop();
  await echo.stop();
  const sync = new HttpSyncClient({ requestTimeoutMs: 1_000 });
  let code = "none";
  try { sync.openUrl("GET", "http://127.0.0.1:" + port); } catch (error) { code = (error as { code: string }).code; }
  sync.close();
  const uring = engineReport().find(({ name }) => name === "uring");
  console.log(\`\${packet} \${code} \${uring?.probes.find(({ name }) => name === "foreign calls")?.ok}\`);`;
const PLAIN_TALK = TALK.replace(/\(error as [^)]*\)/, "error");
const TCP = "engineReport, pack, TcpClient, TcpServer";
const HTTP = "HttpAgent, HttpServer, HttpSyncClient";
const IMPORTS = `import { ${TCP} } from "hp-socket";\nimport { ${HTTP} } from "hp-socket/http";\n`;
const REQUIRES = `const { ${TCP} } = require("hp-socket");\nconst { ${HTTP} } = require("hp-socket/http");\n`;
const EXPECTED = "hello CONNECTION_REFUSED true\n";

const KINDS = {
  "ECMAScript modules": (folder) => {
    write(folder, { "package.json": '{ "type": "module" }', "main.js": `${IMPORTS}${PLAIN_TALK}` });
    return "main.js";
  },
  "CommonJS, by require": (folder) => {
    write(folder, {
      "package.json": "{}",
      "main.js": `${REQUIRES}(async () => {${PLAIN_TALK}})();`,
    });
    return "main.js";
  },
  "TypeScript of modules": (folder) => {
    write(folder, { "package.json": '{ "type": "module" }', "main.ts": `${IMPORTS}${TALK}` });
    compile(folder, "nodenext");
    return "main.js";
  },
  "TypeScript of CommonJS, module node16": (folder) => {
    const imports = `const { ${TCP} } = await import("hp-socket");\nconst { ${HTTP} } = await import("hp-socket/http");\n`;
    write(folder, {
      "package.json": "{}",
      "main.ts": `async function main() {${imports}${TALK}}\nvoid main();`,
    });
    compile(folder, "node16");
    return "main.js";
  },
  "one file of CommonJS, made by a bundler": makeBundle,
  "the same, started from another folder": async (folder) => {
    const file = await makeBundle(folder);
    mkdirSync(join(folder, "elsewhere"));
    return { file: join("..", file), cwd: join(folder, "elsewhere") };
  },
  "the same, started from a folder without packages": async (folder) => {
    return { file: join(folder, await makeBundle(folder)), cwd: tmpdir() };
  },
  "the same, with packages as pnpm installs them": async (folder) => {
    const file = await makeBundle(folder);
    layOutAsPnpm(folder);
    return { file: join(folder, file), cwd: tmpdir() };
  },
};

/** What all bundles are: one file of CommonJS, in which no module knows where it lies. */
async function makeBundle(folder) {
  write(folder, {
    "package.json": "{}",
    "main.mjs": `${IMPORTS}(async () => {${PLAIN_TALK}})();`,
  });
  await build({
    entryPoints: [join(folder, "main.mjs")],
    outfile: join(folder, "bundle.cjs"),
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["koffi"],
    logOverride: { "empty-import-meta": "silent" },
  });
  return "bundle.cjs";
}

/** pnpm links what a project names, and nothing else; a package has what it needs beside it, in a store. */
function layOutAsPnpm(folder) {
  const modules = join(folder, "node_modules");
  const store = join(modules, ".pnpm/hp-socket@0/node_modules");
  mkdirSync(store, { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name.startsWith(".")) continue;
    const from = realpathSync(join(modules, name));
    rmSync(join(modules, name));
    if (name === "hp-socket") cpSync(from, join(store, name), { recursive: true });
    else symlinkSync(from, join(store, name));
  }
  symlinkSync(join(store, "hp-socket"), join(modules, "hp-socket"));
}

/** Of the processor time of `import "node:net"`, at most, on the Node that starts slowest of those we support. */
const MAX_START_RATIO = process.versions.node.startsWith("20.") ? 1.5 : 1.75;
const STARTS = 15;

/** Compares what a program costs that imports hp-socket with one that imports node:net, by the least of several starts. */
function tryStart(folder) {
  const least = { "node:net": Infinity, "hp-socket": Infinity };
  for (let round = 0; round < STARTS; round++) {
    for (const name of Object.keys(least)) {
      const program = `await import(${JSON.stringify(name)}); const { user, system } = process.cpuUsage(); console.log(user + system);`;
      const ms =
        Number(run(process.execPath, ["--input-type=module", "-e", program], folder)) / 1_000;
      least[name] = Math.min(least[name], ms);
    }
  }
  const ratio = least["hp-socket"] / least["node:net"];
  const text = `${least["hp-socket"].toFixed(1)} ms, node:net ${least["node:net"].toFixed(1)} ms: ${ratio.toFixed(2)}`;
  if (ratio > MAX_START_RATIO) throw new Error(`${text}, above ${MAX_START_RATIO}`);
  return text;
}

/** A bundle with no packages beside it runs on the engine node, and says what it lacks. */
async function tryLoneBundle(first) {
  const folder = join(work, "lone bundle");
  mkdirSync(folder);
  const outfile = join(folder, "bundle.mjs");
  const program = `import { TcpServer } from "hp-socket"; console.log(new TcpServer().stats.engine);`;
  await build({
    stdin: { contents: program, resolveDir: first },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["koffi"],
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  const isTold = process.platform !== "linux" || /install hp-socket .* and koffi/.test(stderr);
  if (status !== 0 || stdout !== "node\n" || !isTold) throw new Error(`${stdout}${stderr}`);
}

const TEMPLATES = ["sync-short", "sync-long", "async-short", "async-duplex", "async-simplex"];

/** Makes a template with the program that is installed in `first`, and runs its test. */
function tryTemplate(first, template) {
  const folder = join(work, `new ${template}`);
  run(
    process.execPath,
    [join(first, "node_modules/hp-socket/bin/hp-socket.js"), "new", template, folder],
    first,
  );
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(first, "node_modules/hp-socket"), join(folder, "node_modules/hp-socket"));
  for (const name of ["@types", "typescript"]) {
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  run(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--noEmit"],
    folder,
  );
  run(process.execPath, ["run.mjs", "test"], folder);
}

function write(folder, files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

/** The compiler and the types of Node are ours: they need not be installed five times. */
function compile(folder, module) {
  symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
  const compilerOptions = {
    module,
    target: "es2023",
    strict: true,
    types: ["node"],
    skipLibCheck: false,
  };
  write(folder, { "tsconfig.json": JSON.stringify({ compilerOptions, files: ["main.ts"] }) });
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], folder);
}

function run(program, words, cwd) {
  const { status, error, stdout, stderr } = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${words.join(" ")}: ${error?.message ?? status}\n${stdout}${stderr}`);
}

function packed() {
  const answer = JSON.parse(
    run("npm", ["pack", "--json", "--silent", "--pack-destination", work], root).replace(
      /^[^[]*(?=\[\s*{)/,
      "",
    ),
  );
  const [{ filename, files }] = answer;
  const paths = files.map(({ path }) => path);
  const links = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/\]\(([^)#:]+)\)/g)].map(
    ([, to]) => to,
  );
  const missing = links.filter(
    (to) => !paths.some((path) => path === to || path.startsWith(`${to}/`)),
  );
  const maps = paths.filter((path) => path.endsWith(".d.ts.map"));
  if (missing.length + maps.length > 0)
    throw new Error(`packed without ${missing}; with ${maps.length} maps`);
  console.log(
    `package: ${paths.length} files, ${paths.filter((path) => /\.map$/.test(path)).length} maps`,
  );
  return join(work, filename);
}

let failedCount = 0;
try {
  const archive = packed();
  const first = join(work, "installed");
  mkdirSync(first);
  write(first, { "package.json": "{}" });
  run("npm", ["install", "--no-audit", "--no-fund", "--silent", archive], first);
  for (const [kind, make] of Object.entries(KINDS)) {
    const folder = join(work, kind.replaceAll(/\W+/g, "-"));
    mkdirSync(join(folder, "node_modules"), { recursive: true });
    for (const name of readdirSync(join(first, "node_modules"))) {
      if (!name.startsWith("."))
        symlinkSync(join(first, "node_modules", name), join(folder, "node_modules", name));
    }
    try {
      const main = await make(folder);
      const { file, cwd } = typeof main === "string" ? { file: main, cwd: folder } : main;
      const output = run(process.execPath, [file], cwd);
      if (output !== EXPECTED) throw new Error(`it prints ${JSON.stringify(output)}`);
      console.log(`ok      ${kind}`);
    } catch (error) {
      failedCount += 1;
      console.log(`failed  ${kind}\n${String(error.message).replace(/^/gm, "    ")}`);
    }
  }
  const trials = {
    "a bundle that is alone": () => tryLoneBundle(first),
    'the time of import "hp-socket"': () => tryStart(first),
    ...Object.fromEntries(
      TEMPLATES.map((name) => [`hp-socket new ${name}`, () => tryTemplate(first, name)]),
    ),
  };
  for (const [name, trial] of Object.entries(trials)) {
    try {
      const found = await trial();
      console.log(`ok      ${name}${found === undefined ? "" : `: ${found}`}`);
    } catch (error) {
      failedCount += 1;
      console.log(`failed  ${name}\n${String(error.message).replace(/^/gm, "    ")}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(failedCount > 0 ? 1 : 0);
