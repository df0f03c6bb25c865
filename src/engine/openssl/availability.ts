/**
 * Tries, before the first handshake, whether TLS can be done by calling OpenSSL. If not, TLS runs on the
 * node engine. Nothing is thrown and nothing is printed.
 *
 * The trial covers all that is expected of OpenSSL beyond its documents, and of the inside of Node: the functions are
 * those of Node's own OpenSSL, the context is found, input is read from where the description says, output can be had in
 * both ways, errors are reported, and C can call back.
 */
import process from "node:process";
import { tlsModule } from "../built-in.js";
import { sealedRoom } from "./cipher-port.js";
import { assertContextAt, contextAddress } from "./native-context.js";
import { bindOpenSsl, type OpenSsl } from "./openssl-functions.js";
import { TlsLibrary } from "./tls-library.js";
import type { Side } from "./tls-session.js";
import { HANDSHAKE_FAILED, HANDSHAKE_WAITS, TlsSession } from "./tls-session.js";

const MAJOR_SHIFT = 28;
const MAJOR_VERSION = 3;

/** A session time that no other code sets. */
const TRIAL_SECONDS = 7_213;

/** Options of Node that only its own TLS sockets follow. */
const NODE_ONLY_OPTIONS = ["--tls-keylog", "--trace-tls"];

const NO_TLS_RECORD = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");

/** `true`, or a sentence that says why not. */
type Availability = true | string;

let library: TlsLibrary | undefined;
let found: Availability | undefined;

/** Whether TLS can be done so in this thread. Tried once. */
export function opensslAvailability(): Availability {
  found ??= tried();
  return found;
}

/** What sessions of this thread need. Throws where {@link opensslAvailability} is not true. */
export function tlsLibrary(): TlsLibrary {
  const available = opensslAvailability();
  if (library === undefined) throw new Error(`OpenSSL can't be called: ${available}`);
  return library;
}

function tried(): Availability {
  try {
    library = tryLibrary(bindOpenSsl());
    return true;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Tries it out with these functions. Throws the reason why it can't be used. Exported for tests. */
export function tryLibrary(functions: OpenSsl): TlsLibrary {
  const words = `${process.env["NODE_OPTIONS"] ?? ""} ${process.execArgv.join(" ")}`;
  const only = NODE_ONLY_OPTIONS.find((option) => words.includes(option));
  if (only !== undefined) throw new Error(`${only} is for TLS sockets of Node`);
  assertVersion(functions);
  const context = tlsModule().createSecureContext({ ca: [], sessionTimeout: TRIAL_SECONDS });
  const address = contextAddress(context);
  assertContextAt(address, functions.tlsMethod());
  if (functions.contextTimeout(address) !== TRIAL_SECONDS) {
    throw new Error("the context that was found has another session time than was set");
  }
  const made = new TlsLibrary(functions);
  trySession(made, made.clientContext(context));
  return made;
}

/** The functions must be those of the OpenSSL that Node's own contexts belong to. */
function assertVersion(functions: OpenSsl): void {
  const text = functions.version(0) ?? "";
  const node = process.versions.openssl ?? "";
  const isSame = node !== "" && text.startsWith(`OpenSSL ${node.replace(/\+.*$/, "")}`);
  if (!isSame || functions.versionNumber() >>> MAJOR_SHIFT !== MAJOR_VERSION) {
    throw new Error(`Node has OpenSSL ${node}, and the functions are those of "${text}"`);
  }
}

/** A client that says hello, and gets an answer that is no TLS. */
class TrialSide implements Side {
  readonly context: number;
  private readonly functions: OpenSsl;

  constructor(functions: OpenSsl, context: number) {
    this.functions = functions;
    this.context = context;
  }

  begin(ssl: number): void {
    this.functions.sslSetConnectState(ssl);
  }

  chooseCertificate(): number {
    return 1;
  }

  chooseProtocol(): number {
    return 0;
  }

  sessionCame(): void {}

  refusal(): undefined {
    return undefined;
  }

  failure(): never {
    throw new Error("not asked for");
  }

  info(): never {
    throw new Error("not asked for");
  }
}

function trySession(made: TlsLibrary, context: number): void {
  const { functions, port } = made;
  const session = new TlsSession(made, new TrialSide(functions, context));
  try {
    port.feed(0, 0);
    expect(session.handshake() === HANDSHAKE_WAITS, "a client does not begin");
    const hello = takeOutput(made);
    expect(hello[0] === 22 && hello[1] === 3 && hello.length > 100, "no output comes");
    const answer = Buffer.allocUnsafeSlow(NO_TLS_RECORD.length);
    NO_TLS_RECORD.copy(answer);
    const at = functions.addressOf(answer);
    port.feed(at, 3);
    expect(session.handshake() === HANDSHAKE_WAITS, "input that is cut is not waited for");
    expect(port.leftBytes === 0, "input is not taken from where it lies");
    port.feed(at + 3, answer.length - 3);
    expect(session.handshake() === HANDSHAKE_FAILED, "what is no TLS is taken for it");
    expect(port.leftBytes < answer.length - 3, "input is not counted");
    const code = session.error?.code;
    expect(code === "ERR_SSL_WRONG_VERSION_NUMBER", `an error comes as ${code}`);
    expect(functions.takeError() === 0, "errors are left behind");
    port.discard();
  } finally {
    session.free();
  }
  tryDirectOutput(made, context);
}

function tryDirectOutput(made: TlsLibrary, context: number): void {
  const { functions, port } = made;
  const session = new TlsSession(made, new TrialSide(functions, context));
  try {
    const bytes = Buffer.allocUnsafeSlow(sealedRoom(16_384));
    port.feed(0, 0);
    const count = port.sealInto(functions.addressOf(bytes), bytes.length, () => {
      session.handshake();
    });
    expect(count > 100 && bytes[0] === 22 && bytes[1] === 3, "output does not go where it shall");
    expect(port.outputBytes === 0, "output is counted twice");
  } finally {
    session.free();
  }
}

function takeOutput({ functions, port }: TlsLibrary): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Math.max(1, port.outputBytes));
  port.take(functions.addressOf(bytes));
  return bytes;
}

function expect(isSo: boolean, problem: string): void {
  if (!isSo) throw new Error(`OpenSSL does not work as expected: ${problem}`);
}
