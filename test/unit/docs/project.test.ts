/** The documents hang together: links lead somewhere, and the tree is the real one. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { PROJECT, projectFiles, readProjectFile } from "../../support/document.js";

const TOP = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
const documents = [...TOP, ...projectFiles("docs", ".md"), ...projectFiles("src", ".md")];

/** Folders whose files are listed one by one; the others have a README that says more. */
const LISTED = ["address", "bytes", "time", "receive", "connection", "tcp", "testing", "cli"];

/** Paths in the tree of ARCHITECTURE.md. */
function listedPaths(): string[] {
  const [, listing = ""] = readProjectFile("ARCHITECTURE.md").split("\n## The tree\n");
  const [lines = ""] = listing.split("\n## ");
  /** The folders above the present line, by their depth. */
  const folders: string[] = [];
  return [...lines.matchAll(/^( *)([\w./-]+\/|[\w./-]+\.[tj]s) /gm)].map(
    ([, indent = "", path = ""]) => {
      const depth = indent.length / 2;
      folders.length = depth;
      const whole = join(...folders, path);
      if (path.endsWith("/")) folders[depth] = path;
      return whole;
    },
  );
}

describe("the documents", () => {
  it("link to files that are there", () => {
    const broken = documents.flatMap((document) =>
      [...readProjectFile(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => normalize(join(dirname(document), target)))
        .filter((path) => !existsSync(join(PROJECT, path)))
        .map((path) => `${document} → ${path}`),
    );

    assert.deepEqual(broken, []);
  });

  it("are packed with all that they link to", () => {
    const { files } = JSON.parse(readProjectFile("package.json")) as { readonly files: string[] };
    const packed = [...files, "package.json"].map((path) => path.replace("/*.ts", ""));
    const sent = documents.filter((path) => packed.some((top) => path.startsWith(top)));

    const missing = sent.flatMap((document) =>
      [...readProjectFile(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => normalize(join(dirname(document), target)))
        .filter((path) => path.startsWith("..") || !packed.some((top) => path.startsWith(top)))
        .map((path) => `${document} → ${path}`),
    );

    assert.deepEqual(missing, []);
  });

  it("have READMEs of folders and decisions of at most 60 lines", () => {
    const short = documents.filter((path) => /^src\/.*README|^docs\/decisions/.test(path));

    const long = short.filter((path) => readProjectFile(path).trimEnd().split("\n").length > 60);

    assert.deepEqual(long, []);
  });
});

describe("the tree of ARCHITECTURE.md", () => {
  const paths = listedPaths();

  it("has no file that is not there", () => {
    assert.ok(paths.length > 80);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(PROJECT, path))),
      [],
    );
  });

  it("lacks no file", () => {
    const sources = LISTED.flatMap((folder) => projectFiles(`src/${folder}`, ".ts"));

    assert.deepEqual(
      sources.filter((path) => !paths.includes(path)),
      [],
    );
  });
});

describe("comments", () => {
  it("say what a name is for, and send nobody to the head of the file", () => {
    const words = ["See the head", "of the file"].join(" ");
    const sending = ["src", "test"]
      .flatMap((folder) => projectFiles(folder, ".ts"))
      .filter((path) => readProjectFile(path).includes(words));

    assert.deepEqual(sending, []);
  });
});

describe("the demos", () => {
  it("have at most 60 lines each", () => {
    const demos = projectFiles("demos", ".ts");

    const long = demos.filter((path) => readProjectFile(path).trimEnd().split("\n").length > 60);

    assert.ok(demos.length >= 14);
    assert.deepEqual(long, []);
  });
});
