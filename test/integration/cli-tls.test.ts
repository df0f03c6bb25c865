import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { selfSignedCertificate } from "hp-socket/testing";
import { type CliRun, runCommand, startCommand } from "../support/cli-run.js";

async function shownFingerprint(program: CliRun): Promise<string> {
  const [, fingerprint] = await program.shows("stdout", /^READY .* fingerprint=([\dA-F:]{95})$/m);
  return `${fingerprint}`;
}

async function filesOf(test: TestContext): Promise<{ cert: string; key: string; hex: string }> {
  const folder = await mkdtemp(join(tmpdir(), "hp-socket-cli-"));
  test.after(() => rm(folder, { recursive: true }));
  const made = selfSignedCertificate();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.key);
  return { cert, key, hex: made.fingerprint };
}

describe("hp-socket with --tls", () => {
  it("echoes with a certificate made on the spot, which a client knows by its fingerprint", async (test) => {
    const server = startCommand(test, ["echo", "--port", "0", "--tls", "--receive", "line"]);
    const address = `127.0.0.1:${await server.readyPort()}`;
    const pinned = ["--tls", "--fingerprint", await shownFingerprint(server)];

    const talk = ["cat", address, "--receive", "line", "--wait", "1"];
    const good = await runCommand([...talk, ...pinned], "hello\n");
    const other = await runCommand([...talk, "--tls", "--fingerprint", "00".repeat(32)], "hello\n");
    const unknown = await runCommand([...talk, "--tls"], "hello\n");

    assert.equal(good.stdout, "hello\n");
    assert.equal(good.code, 0);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /TLS_CERTIFICATE: .*fingerprint that is not expected/);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /TLS_CERTIFICATE: .*self-signed and not trusted/);
    assert.equal(other.stdout + unknown.stdout, "");
  });

  it("takes certificate and key from files, and clients trust by file and name", async (test) => {
    const { cert, key, hex } = await filesOf(test);
    const own = ["--tls", "--cert", cert, "--key", key];
    const server = startCommand(test, ["echo", "--port", "0", ...own]);
    const address = `127.0.0.1:${await server.readyPort()}`;
    const trust = ["--tls", "--ca", cert];

    const talk = ["cat", address, "--wait", "1", ...trust];
    const good = await runCommand([...talk, "--servername", "localhost"], "hello");
    const wrong = await runCommand([...talk, "--servername", "other.example"], "hello");

    assert.equal(await shownFingerprint(server), hex);
    assert.match(good.stdout, /hello/);
    assert.equal(good.code, 0);
    assert.match(
      wrong.stderr,
      /TLS_CERTIFICATE: the certificate of other.example is not for this name/,
    );
  });

  it("loads an echo server, every byte verified", async (test) => {
    const server = startCommand(test, ["echo", "--port", "0", "--tls", "--receive", "pack"]);
    const address = `127.0.0.1:${await server.readyPort()}`;

    const amount = ["--connections", "5", "--depth", "4", "--messages", "1000"];
    const load = ["load", address, "--receive", "pack", ...amount, "--json"];
    const result = await runCommand([...load, "--tls", "--insecure"]);

    assert.equal(result.code, 0, result.stderr);
    assert.equal(JSON.parse(result.stdout).messages, 1_000);
  });

  it("tells the fingerprint in JSON too", async (test) => {
    const server = startCommand(test, ["echo", "--port", "0", "--tls", "--json"]);
    const [line] = await server.shows("stdout", /^{.*}$/m);

    assert.match(JSON.parse(line).fingerprint, /^[\dA-F]{2}(:[\dA-F]{2}){31}$/);
  });

  it("is one of the services of serve", async (test) => {
    const server = startCommand(test, ["serve", "--port", "0"]);
    const [, words] = await server.shows("stdout", /npx hp-socket (cat .* --tls .*)$/m);

    const result = await runCommand([...`${words}`.split(" "), "--wait", "1"], "hello");

    assert.match(result.stdout, /hello/);
    assert.equal(result.code, 0);
  });

  it("asks clients for certificates with --client-ca; cat and load show theirs", async (test) => {
    const { cert, key } = await filesOf(test);
    const server = startCommand(test, ["echo", "--port", "0", "--tls", "--client-ca", cert]);
    const address = `127.0.0.1:${await server.readyPort()}`;
    const own = ["--tls", "--insecure", "--cert", cert, "--key", key];
    const amount = ["--connections", "2", "--messages", "20", "--json"];

    const known = await runCommand(["cat", address, "--wait", "1", ...own], "hello");
    const load = await runCommand(["load", address, ...amount, ...own]);
    const unknown = await runCommand(["cat", address, "--tls", "--insecure"], "hello");

    assert.deepEqual([known.stdout, known.code, load.code], ["hello\n", 0, 0]);
    assert.equal(unknown.code, 1);
  });

  it("ends with exit code 2 for what does not go together", async () => {
    const wrong = await runCommand(["echo", "--cert", "cert.pem"]);
    const other = await runCommand(["cat", "127.0.0.1:1", "--insecure"]);

    assert.deepEqual([wrong.code, other.code], [2, 2]);
    assert.match(wrong.stderr, /--cert goes with --tls/);
    assert.match(other.stderr, /--insecure goes with --tls/);
  });
});
