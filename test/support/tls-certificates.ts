/**
 * Certificates for the tests of TLS, made by the `openssl` program, once for each run of the tests; each
 * process has a copy of the files, to which it may add. Where there is no such program the tests are skipped.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe } from "node:test";
import type { EngineName } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { chooseEngine, engineReport } from "#src/engine/choose-engine.js";

/** A certificate with its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const PASSPHRASE = "correct horse";

/** Passphrase of the encrypted key and of the PFX. */
export const TEST_PASSPHRASE: string = PASSPHRASE;

const CONFIGURATION = `
[ca]
default_ca = test
[test]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
default_days = 30
default_crl_days = 30
copy_extensions = none
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

const VALID = ["20200101000000Z", "20491231235959Z"] as const;
const EXPIRED = ["20200101000000Z", "20210101000000Z"] as const;
const NOT_YET_VALID = ["20480101000000Z", "20491231235959Z"] as const;

/** An authority in a folder, with the openssl program. */
class Authority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    writeFileSync(this.path("ca.cnf"), CONFIGURATION);
    writeFileSync(this.path("index.txt"), "");
    writeFileSync(this.path("serial"), "1000\n");
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  openssl(...words: readonly string[]): void {
    execFileSync("openssl", words, { cwd: this.#folder, stdio: "pipe" });
  }

  /** Makes a certificate that signs itself. */
  root(name: string): void {
    this.openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-config", "ca.cnf", "-extensions", "authority", "-subj", `/CN=${name}`, "-days", "30"],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
  }

  /** Makes a certificate of the authority `issuer`. */
  issue(
    name: string,
    names: string,
    issuer = "authority",
    [from, to]: readonly [string, string] = VALID,
  ): void {
    writeFileSync(
      this.path("own.ext"),
      `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nkeyUsage=digitalSignature\n`,
    );
    this.openssl(
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-config", "ca.cnf", "-subj", `/CN=${name}`],
      ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
    );
    this.openssl(
      ...["ca", "-batch", "-config", "ca.cnf", "-notext", "-extfile", "own.ext"],
      ...["-cert", `${issuer}.pem`, "-keyfile", `${issuer}.key`],
      ...["-startdate", from, "-enddate", to, "-in", `${name}.csr`, "-out", `${name}.pem`],
    );
  }
}

/** Makes the files of all certificates in `folder`. */
function makeCertificates(folder: string): void {
  const authority = new Authority(folder);
  const local = "DNS:localhost,IP:127.0.0.1,IP:::1";
  authority.root("authority");
  authority.root("other-authority");
  authority.issue("server", local);
  authority.issue("renewed", local);
  authority.issue("www.example.com", "DNS:www.example.com");
  authority.issue("wildcard", "DNS:*.example.com");
  authority.issue("client", "DNS:client");
  authority.issue("foreign", "DNS:foreign", "other-authority");
  authority.issue("expired", local, "authority", EXPIRED);
  authority.issue("not-yet-valid", local, "authority", NOT_YET_VALID);
  authority.issue("revoked", local);
  const { cert, key } = selfSignedCertificate();
  writeFileSync(authority.path("self-signed.pem"), cert);
  writeFileSync(authority.path("self-signed.key"), key);
  const signer = ["-config", "ca.cnf", "-cert", "authority.pem", "-keyfile", "authority.key"];
  authority.openssl("ca", ...signer, "-revoke", "revoked.pem");
  authority.openssl("ca", ...signer, "-gencrl", "-out", "authority.crl");
  const password = `pass:${PASSPHRASE}`;
  authority.openssl(
    ...["pkcs8", "-topk8", "-in", "server.key", "-out", "encrypted.key", "-passout", password],
  );
  authority.openssl(
    ...["pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key"],
    ...["-out", "server.pfx", "-passout", password],
  );
  for (const name of ["server", "foreign"]) {
    authority.openssl(
      ...["pkcs12", "-export", "-in", `${name}.pem`, "-inkey", `${name}.key`],
      ...["-certfile", name === "server" ? "authority.pem" : "other-authority.pem"],
      ...["-out", `${name}-with-authority.pfx`, "-passout", password],
    );
  }
}

/** Puts the files into `folder`: those that another process of the same run has made, where there are any. */
function putCertificates(folder: string): void {
  const runFolder = process.env["HP_SOCKET_TEST_FOLDER"];
  if (runFolder === undefined) {
    makeCertificates(folder);
    return;
  }
  const shared = join(runFolder, "certificates");
  if (!existsSync(shared)) {
    const own = mkdtempSync(join(runFolder, "certificates-"));
    makeCertificates(own);
    try {
      renameSync(own, shared);
    } catch {
      // Another process was faster: its files are as good.
    }
  }
  cpSync(shared, folder, { recursive: true });
}

/** All that the tests need. */
export class TestCertificates {
  readonly #folder: string;
  readonly ca: string;
  readonly otherCa: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Pair;
  /** The same names, another key: for a reload. */
  readonly renewed: Pair;
  readonly exact: Pair;
  readonly wildcard: Pair;
  readonly client: Pair;
  readonly foreignClient: Pair;
  readonly expired: Pair;
  readonly notYetValid: Pair;
  readonly selfSigned: Pair;
  readonly revoked: Pair;
  /** Of the authority, with `revoked` in it. */
  readonly crl: string;
  /** The key of `server`, encrypted. */
  readonly encryptedKey: string;
  /** `server`, with its key, encrypted. */
  readonly pfx: Buffer;
  /** `server` and `foreignClient`, with their authorities. */
  readonly serverWithCa: Buffer;
  readonly foreignWithCa: Buffer;

  constructor(folder: string) {
    this.#folder = folder;
    putCertificates(folder);
    this.ca = this.#text("authority.pem");
    this.otherCa = this.#text("other-authority.pem");
    this.server = this.#pair("server");
    this.renewed = this.#pair("renewed");
    this.exact = this.#pair("www.example.com");
    this.wildcard = this.#pair("wildcard");
    this.client = this.#pair("client");
    this.foreignClient = this.#pair("foreign");
    this.expired = this.#pair("expired");
    this.notYetValid = this.#pair("not-yet-valid");
    this.selfSigned = this.#pair("self-signed");
    this.revoked = this.#pair("revoked");
    this.crl = this.#text("authority.crl");
    this.encryptedKey = this.#text("encrypted.key");
    this.pfx = readFileSync(this.path("server.pfx"));
    this.serverWithCa = readFileSync(this.path("server-with-authority.pfx"));
    this.foreignWithCa = readFileSync(this.path("foreign-with-authority.pfx"));
  }

  #text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  #pair(name: string): Pair {
    return { cert: this.#text(`${name}.pem`), key: this.#text(`${name}.key`) };
  }

  /** Path of a file in the folder: `server.pem`, `server.key`, `authority.pem`, `authority.crl` … */
  path(name: string): string {
    return join(this.#folder, name);
  }
}

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return true;
  } catch {
    // It is not there, or can't be run: the same to us.
    return false;
  }
}

/** The engines that do TLS here. */
export function tlsEngines(): EngineName[] {
  return engineReport()
    .filter(
      ({ name, available }) => available === true && chooseEngine(name).capabilities.tls === true,
    )
    .map(({ name }) => name);
}

/**
 * Describes tests that need certificates, for each engine that does TLS; skips them where there is no
 * openssl program.
 */
export function describeTls(
  name: string,
  tests: (certificates: TestCertificates, engine: EngineName) => void,
): void {
  if (!hasOpenssl()) {
    const reason = "there is no openssl program to make certificates with";
    console.log(`# ${name} is not tested: ${reason}`);
    describe(name, { skip: reason }, () => {});
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "hp-socket-tls-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const certificates = new TestCertificates(folder);
  for (const engine of tlsEngines()) {
    describe(`${name}, on the engine ${engine}`, () => {
      const named = process.env["HP_SOCKET_ENGINE"];
      before(() => {
        process.env["HP_SOCKET_ENGINE"] = engine;
      });
      after(() => {
        if (named === undefined) delete process.env["HP_SOCKET_ENGINE"];
        else process.env["HP_SOCKET_ENGINE"] = named;
      });
      tests(certificates, engine);
    });
  }
}
