import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { closestWord } from "../../closest-word.js";
import type { Command } from "../command.js";
import { choiceOption, quoted, readCommandLine, UsageError } from "../command-line.js";
import { PACKAGE_FOLDER, packageVersion } from "../own-package.js";

/** The templates, and what each is for. */
const TEMPLATES = {
  "sync-short": "a connection for each exchange: ask, wait for the answer, close",
  "sync-long": "one connection for many exchanges, one after the other",
  "async-short": "a connection for each message, both ways; nobody waits",
  "async-duplex": "one connection on which both sides ask and answer at any time: a payment switch",
  "async-simplex": "two connections that stay, each used in one direction",
} as const;

type TemplateName = keyof typeof TEMPLATES;

const NAMES = Object.keys(TEMPLATES) as TemplateName[];

/** How the length in front of each message is written: the line of the templates, and what takes its place. */
const LENGTHS = {
  ascii: 'lengthPrefix({ format: "ascii", bytes: 4, maxPacketBytes: 9_999 })',
  binary: 'lengthPrefix({ format: "uint-be", bytes: 2, maxPacketBytes: 9_999 })',
} as const;

const OPTIONS = {
  length: choiceOption<"ascii" | "binary", "ascii">(
    ["ascii", "binary"],
    "the head of messages: four ASCII digits (default), or two bytes, big-endian",
    "ascii",
  ),
};

/** What npm calls packages. */
const PACKAGE_NAME = /[^a-z0-9-]+/g;

export const newCommand: Command = {
  name: "new",
  summary: "write a small server and client with a test, to begin with",
  usage: "TEMPLATE DIR [options]",
  options: OPTIONS,
  notes: `Templates:\n${NAMES.map((name) => `  ${name.padEnd(24)}  ${TEMPLATES[name]}`).join("\n")}`,
  async run(argv, terminal) {
    const { options, positionals } = readCommandLine(OPTIONS, argv, 2);
    const template = templateOf(positionals[0]);
    const folder = folderOf(positionals[1]);
    try {
      write(template, folder, options.length);
    } catch (error) {
      throw new UsageError(`${quoted(folder)} can't be written: ${(error as Error).message}`);
    }
    terminal.print(
      `${positionals[1]}: ${template}. What next:\n  cd ${positionals[1]}\n  npm install\n  npm test`,
    );
    return 0;
  },
};

function templateOf(text: string | undefined): TemplateName {
  if (text === undefined) throw new UsageError(`which template? ${NAMES.join(", ")}`);
  const name = NAMES.find((one) => one === text);
  if (name !== undefined) return name;
  const meant = closestWord(text, NAMES);
  const advice = meant === undefined ? NAMES.join(", ") : `did you mean ${quoted(meant)}?`;
  throw new UsageError(`${quoted(text)} is no template; ${advice}`);
}

function folderOf(text: string | undefined): string {
  if (text === undefined || text === "") throw new UsageError("into which directory?");
  const folder = resolve(text);
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new UsageError(`${quoted(text)} is no directory`);
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new UsageError(`${quoted(text)} is not empty`);
  }
  return folder;
}

function write(template: TemplateName, folder: string, length: keyof typeof LENGTHS): void {
  const root = new URL("templates/", PACKAGE_FOLDER);
  const shared = fileURLToPath(new URL("shared/", root));
  const own = fileURLToPath(new URL(`${template}/`, root));
  mkdirSync(folder, { recursive: true });
  for (const from of [shared, own]) {
    for (const name of readdirSync(from)) copyFileSync(join(from, name), join(folder, name));
  }
  const protocol = join(folder, "protocol.ts");
  const text = readFileSync(protocol, "utf8").replace(LENGTHS.ascii, LENGTHS[length]);
  writeFileSync(protocol, text);
  // npm leaves a file of this name out of what it packs.
  writeFileSync(join(folder, ".gitignore"), "node_modules/\ndist/\n");
  writeFileSync(join(folder, "package.json"), packageOf(template, folder));
  writeFileSync(join(folder, "README.md"), readmeOf(template, folder));
}

function nameOf(folder: string): string {
  return basename(folder).toLowerCase().replaceAll(PACKAGE_NAME, "-") || "example";
}

function packageOf(template: TemplateName, folder: string): string {
  const manifest = {
    name: nameOf(folder),
    version: "0.0.0",
    description: `${template}: ${TEMPLATES[template]}`,
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts: {
      server: "node run.mjs server",
      client: "node run.mjs client",
      test: "node run.mjs test",
      check: "tsc --noEmit",
    },
    dependencies: { "hp-socket": libraryFor(folder) },
    devDependencies: { "@types/node": "^20.19.0", typescript: ">=5.8" },
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Where the new package gets the library: from the clone that wrote it, or what is installed as from the registry. */
function libraryFor(folder: string): string {
  const root = fileURLToPath(PACKAGE_FOLDER);
  const isInstalled = root.split(sep).includes("node_modules");
  return isInstalled ? `^${packageVersion()}` : `file:${relative(realpathSync(folder), root)}`;
}

function readmeOf(template: TemplateName, folder: string): string {
  return `# ${nameOf(folder)}

${TEMPLATES[template].charAt(0).toUpperCase()}${TEMPLATES[template].slice(1)}. Made by \`hp-socket new ${template}\`.

\`\`\`sh
npm install
npm test              # both sides in one process
npm run server        # HOST and PORT: where; 127.0.0.1 and 5555 unless set
npm run client
npm run check         # types
\`\`\`

| file | what it has |
| --- | --- |
| \`protocol.ts\` | how messages travel, and where the server is |
| \`server.ts\`, \`client.ts\` | the two programs; change what they say to each other |
| \`test.ts\` | what they must do |
| \`run.mjs\` | runs them: as they are on Node 22.18 and later, compiled to \`dist/\` on Node 20 |

Where Node strips types, \`node server.ts\` does as well.
`;
}
