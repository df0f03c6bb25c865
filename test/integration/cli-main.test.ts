import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { engineReport } from "hp-socket";
import { runCommand } from "../support/cli-run.js";

const COMMANDS = ["serve", "echo", "load", "cat", "doctor"];

describe("hp-socket", () => {
  it("shows its commands without one, and with --help", async () => {
    const [bare, help] = await Promise.all([runCommand([]), runCommand(["--help"])]);

    assert.deepEqual([bare.code, help.code], [0, 0]);
    assert.equal(bare.stdout, help.stdout);
    for (const name of COMMANDS) assert.match(help.stdout, new RegExp(`^ {2}${name} `, "m"));
  });

  it("has help for each command", async () => {
    const helps = await Promise.all(COMMANDS.map((name) => runCommand([name, "--help"])));

    for (const [index, { code, stdout }] of helps.entries()) {
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: hp-socket ${COMMANDS[index]} `));
      assert.match(stdout, /^ {2}--help /m);
    }
  });

  it("has the same help behind help", async () => {
    const [help, option] = await Promise.all([
      runCommand(["help", "echo"]),
      runCommand(["echo", "--help"]),
    ]);

    assert.deepEqual(help, option);
    assert.equal((await runCommand(["help"])).stdout, (await runCommand([])).stdout);
  });

  for (const word of ["--version", "-v"]) {
    it(`shows the version of the package with ${word}`, async () => {
      const { code, stdout } = await runCommand([word]);

      assert.equal(code, 0);
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    });
  }

  for (const [what, options, isColoured] of [
    ["on a terminal", { isTerminal: true }, true],
    ["elsewhere", {}, false],
    ["with NO_COLOR", { isTerminal: true, env: { NO_COLOR: "1" } }, false],
    ["with an empty NO_COLOR", { isTerminal: true, env: { NO_COLOR: "" } }, true],
    ["on a dumb terminal", { isTerminal: true, env: { TERM: "dumb" } }, false],
  ] as const) {
    it(`has ${isColoured ? "" : "no "}colours ${what}`, async () => {
      const { stdout } = await runCommand(["help"], "", options);
      const { stderr } = await runCommand(["fly"], "", options);

      assert.deepEqual(
        [stdout, stderr].map((text) => text.includes("\u001b[")),
        [isColoured, isColoured],
      );
    });
  }

  for (const [args, message] of [
    [["fly"], /"fly" is no command; `hp-socket help` shows them/],
    [["ecoh"], /"ecoh" is no command; did you mean "echo"\?/],
    [["version"], /"version" is no command; did you mean "--version"\?/],
    [["http", "GET"], /which URL\? "GET" is the method/],
    [["http", "-X"], /--method needs a value/],
    [
      ["http", "-d", "-x", "h:1"],
      /-d needs a value; one that begins with a dash is written -dVALUE/,
    ],
    [["http", "https://h/", "--ca", "/no/such"], /: --ca can't be read: \/no\/such \(see/],
    [
      ["http", "h:1", "--proxy", "nowhere"],
      /: --proxy must be scheme:\/\/host:port, not "nowhere"/,
    ],
    [["cat", "h:1", "--tls", "--servername", "a b"], /: --servername must be a name/],
    [["echo", "--tls", "--client-ca", "/no/such"], /: --client-ca can't be read: \/no\/such/],
    [["relay", "--to", "h:1", "--to-tls", "--to-ca", "/x"], /: --to-ca can't be read: \/x/],
    [["relay", "--to", "nowhere"], /: --to must be host:port, not "nowhere"/],
    [["relay", "--sni", "a=b"], /: --sni a must be host:port, not "b"/],
    [["proxy", "--to-private", "a b"], /: --to-private has "a b", which is no network/],
    [["proxy", "--to-private", "10.0.0.1/8"], /: --to-private: the network "10.0.0.1\/8" has bits/],
    [["http", "h:1", "--data", "@/no/such"], /: --data @\/no\/such can't be sent: ENOENT/],
    [["proxy", "--user", "a:"], /: --user: the password must be text that is not empty/],
    [["help", "docter"], /"docter" is no command; did you mean "doctor"\?/],
    [["echo", "--prot", "1"], /there is no option --prot; did you mean --port\?/],
    [["echo", "--port", "-1"], /--port must be a whole number from 0 to 65535, not "-1"/],
    [["echo", "--port", "99999"], /--port must be a whole number from 0 to 65535, not "99999"/],
    [["echo", "--colour"], /there is no option --colour/],
    [["echo", "extra"], /what is "extra" for\?/],
    [["echo", "--engine", "steam"], /--engine must be one of auto, .*node, not "steam"/],
    [["echo", "--flag", "1"], /--flag goes with --receive pack, not with push/],
    [["echo", "--path", "x", "--port", "1"], /--path does not go with --host or --port/],
    [["load"], /where to\?/],
    [["load", "nowhere"], /"nowhere" is not HOST:PORT/],
    [["load", "h:1", "--receive", "pull"], /--receive must be one of push, pack, line, length/],
    [["load", "h:1", "--receive", "pack", "--size", "300000"], /--size 300000 is above .* 262144/],
    [["load", "h:1", "--size", "4000000", "--depth", "1000"], /--size × --depth must be at most/],
    [["cat", "[::1]:0"], /is not HOST:PORT/],
    [["cat", "http://h:1/"], /is a URL of HTTP: `hp-socket http` asks for those/],
    [["cat", "h:1", "--receive", "line", "--max-packet", "0"], /--max-packet must be/],
    [
      ["echo", "--receive", "pack", "--max-packet", "9000000"],
      /--max-packet must be .* 4194303, not/,
    ],
    [["echo", "--receive", "pack", "--flag", "0x400"], /--flag must be .* 1023, not "0x400"/],
    [
      ["cat", "h:1", "--receive", "length", "--length-bytes", "9"],
      /--length-bytes must be a whole number from 1 to 8, not 9/,
    ],
  ] as const) {
    it(`says in one line what is wrong with: ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await runCommand(args);

      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.match(stderr, /^hp-socket[^\n]*\n$/);
    });
  }
});

describe("hp-socket doctor", () => {
  it("tells Node, platform and engines as JSON", async () => {
    const { code, stdout } = await runCommand(["doctor", "--json"]);

    assert.equal(code, 0);
    const findings = JSON.parse(stdout);
    assert.equal(findings.node, process.versions.node);
    assert.equal(findings.platform, process.platform);
    const engines = findings.engines.map(
      ({ capabilities, ...status }: { capabilities: unknown }) => {
        return status;
      },
    );
    // JSON leaves out what is undefined.
    assert.deepEqual(engines, JSON.parse(JSON.stringify(engineReport())));
    const node = findings.engines.find(({ name }: { name: string }) => name === "node");
    assert.equal(node.capabilities.pathAddress, true);
  });

  it("tells the same line by line", async () => {
    const { code, stdout } = await runCommand(["doctor"]);

    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^node +${process.versions.node} on `, "m"));
    assert.match(stdout, /^node: available/m);
    assert.match(stdout, /^ {2}pathAddress +yes$/m);
  });
});
