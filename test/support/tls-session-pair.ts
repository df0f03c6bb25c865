/** A client's and a server's session of TLS, without sockets: what one puts out is fed to the other. */
import { tlsLibrary } from "#src/engine/openssl/availability.js";
import { ClientSide } from "#src/engine/openssl/client-side.js";
import { ServerSide } from "#src/engine/openssl/server-side.js";
import type { TlsLibrary } from "#src/engine/openssl/tls-library.js";
import { HANDSHAKE_DONE, type Side, TlsSession } from "#src/engine/openssl/tls-session.js";
import { TlsClientContext } from "#src/engine/tls/tls-client-context.js";
import { TlsServerContext } from "#src/engine/tls/tls-server-context.js";
import type { TlsClientOptions, TlsServerOptions } from "#src/engine/tls-options.js";
import { systemClock } from "#src/time/clock.js";

/** One end: bytes in, bytes out. */
export class SessionEnd {
  readonly session: TlsSession;
  readonly library: TlsLibrary;
  isDone = false;
  readonly #memory: Buffer = Buffer.allocUnsafeSlow(262_144);

  constructor(library: TlsLibrary, side: Side) {
    this.library = library;
    this.session = new TlsSession(library, side);
  }

  /** Output that waits. */
  output(): Buffer {
    const { functions, port } = this.library;
    const bytes = Buffer.allocUnsafeSlow(Math.max(1, port.outputBytes));
    const count = port.outputBytes;
    if (count > 0) port.take(functions.addressOf(bytes));
    return bytes.subarray(0, count);
  }

  /** Goes on with the handshake; answers what comes out. */
  shake(input: Buffer): Buffer {
    this.#feed(input);
    const outcome = this.session.handshake();
    this.isDone = outcome === HANDSHAKE_DONE;
    return this.output();
  }

  /** Deciphers input; answers the plain text, and below zero how it ended. */
  read(input: Buffer): readonly [plain: Buffer, outcome: number] {
    this.#feed(input);
    const { functions } = this.library;
    const at = functions.addressOf(this.#memory);
    let filled = 0;
    for (;;) {
      const outcome = this.session.read(at + filled, this.#memory.length - filled);
      if (outcome <= 0) return [Buffer.from(this.#memory.subarray(0, filled)), outcome];
      filled += outcome;
    }
  }

  /** Ciphers bytes. */
  write(bytes: Buffer): Buffer {
    const { functions } = this.library;
    const count = this.session.write(
      functions.addressOf(bytes),
      bytes.length,
      functions.addressOf(this.#memory),
    );
    return Buffer.from(this.#memory.subarray(0, count));
  }

  /** The output of ending. */
  end(): Buffer {
    this.session.endOutput();
    return this.output();
  }

  #feed(input: Buffer): void {
    const own = Buffer.allocUnsafeSlow(Math.max(1, input.length));
    input.copy(own);
    this.input = own;
    this.library.port.feed(this.library.functions.addressOf(own), input.length);
  }

  /** What the input lies in, for as long as it is used. */
  input: Buffer | undefined = undefined;
}

/** Contexts of both sides. */
export class SessionContexts {
  readonly server: TlsServerContext;
  readonly client: TlsClientContext;

  constructor(server: TlsServerOptions, client: TlsClientOptions) {
    this.server = new TlsServerContext(server, systemClock);
    this.client = new TlsClientContext(client);
  }

  serverEnd(onCertificate: () => void = () => {}): SessionEnd {
    const library = tlsLibrary();
    return new SessionEnd(library, new ServerSide(library, this.server, onCertificate));
  }

  clientEnd(host = "localhost"): SessionEnd {
    const library = tlsLibrary();
    return new SessionEnd(library, new ClientSide(library, this.client, host, "peer"));
  }
}

/** Two ends whose handshake is done; `cut` is how many bytes are handed over at once. */
export function shakenPair(
  contexts: SessionContexts,
  cut: number = Number.POSITIVE_INFINITY,
): { client: SessionEnd; server: SessionEnd } {
  const client = contexts.clientEnd();
  const server = contexts.serverEnd();
  let flight = client.shake(Buffer.alloc(0));
  let [from, to] = [client, server];
  for (let round = 0; round < 6 && flight.length > 0; round++) {
    flight = handOver(to, flight, cut);
    [from, to] = [to, from];
  }
  if (!client.isDone || !server.isDone) throw new Error("the handshake is not done");
  if (from === server && flight.length > 0) throw new Error("the server has not said all");
  return { client, server };
}

function handOver(to: SessionEnd, flight: Buffer, cut: number): Buffer {
  const answers: Buffer[] = [];
  for (let at = 0; at < flight.length; at += cut) {
    const part = flight.subarray(at, at + cut);
    if (to.isDone) {
      to.read(part);
      answers.push(to.output());
    } else {
      answers.push(to.shake(part));
    }
  }
  return Buffer.concat(answers);
}
