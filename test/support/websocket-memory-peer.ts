/** The other end of a WebSocket on the memory engine: what it sends arrives in the pieces that a test wants. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { MemoryEngine } from "hp-socket/testing";
import type { WebSocketAgent, WebSocketConnection } from "hp-socket/websocket";
import type { Listener, StreamSink, StreamSocket } from "#src/engine/engine.js";
import type { Inflater } from "#src/protocol/websocket/deflate-context.js";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import type { Role } from "#src/protocol/websocket/opcode.js";
import { loopback, PLAIN_STREAM } from "./engine-world.js";
import { MessageRecorder } from "./websocket-recorder.js";
import { upgradeRequest } from "./websocket-world.js";

const NOTHING: Buffer = Buffer.alloc(0);

/** The other end of a WebSocket on the memory engine, of either role. */
export class MemoryPeer implements StreamSink {
  readonly recorder: MessageRecorder = new MessageRecorder();
  /** The head of the request or the response that came. */
  head = "";
  hasEnded = false;
  stream: StreamSocket | undefined;
  readonly #engine: MemoryEngine;
  readonly #decoder: FrameDecoder;
  #bytes: Buffer = NOTHING;

  constructor(engine: MemoryEngine, role: Role, inflater?: Inflater) {
    this.#engine = engine;
    this.#decoder = new FrameDecoder({ role, inflater });
  }

  /** Frames that came, one line each. */
  get seen(): readonly string[] {
    return this.recorder.events;
  }

  /** Sends pieces, each of which arrives by itself. Nothing must be under way. */
  send(...pieces: readonly Buffer[]): void {
    const sizes = pieces.map(({ length }) => length);
    const { network } = this.#engine;
    const { split } = network;
    network.split = (): number => sizes.shift() as number;
    this.stream?.writeAll(
      pieces,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    network.split = split;
    assert.deepEqual(sizes, []);
  }

  /** Sends FIN behind all that was sent. */
  finish(): void {
    this.stream?.finish();
  }

  streamOpened(): void {}
  streamSecured(): void {}
  streamWritten(): void {}

  streamReceived(bytes: Buffer): void {
    if (this.head === "") {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = this.#bytes.toString("latin1", 0, end);
      this.headCame();
      this.#decoder.feed(this.#bytes.subarray(end + 4), this.recorder);
    } else this.#decoder.feed(Buffer.from(bytes), this.recorder);
  }

  /** For a server: responds. */
  protected headCame(): void {}

  /** Finishes when the other end has. */
  streamEnded(): void {
    this.hasEnded = true;
    this.finish();
  }

  streamClosed(): void {
    this.hasEnded = true;
  }
}

/** A client of a server of ours, which has asked to upgrade. */
export function memoryClient(
  engine: MemoryEngine,
  port: number,
  { path = "/", extensions = "" }: { readonly path?: string; readonly extensions?: string } = {},
): MemoryPeer {
  const peer = new MemoryPeer(engine, "client");
  peer.stream = engine.connect({ address: loopback(port), stream: PLAIN_STREAM }, peer);
  peer.streamOpened = (): void => {
    const fields = extensions === "" ? [] : [`Sec-WebSocket-Extensions: ${extensions}`];
    peer.send(upgradeRequest(path, fields));
  };
  return peer;
}

class ServerPeer extends MemoryPeer {
  extensions = "";

  protected override headCame(): void {
    const key = /^sec-websocket-key: *(.*)$/im.exec(this.head)?.[1]?.trim() ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept.digest("base64")}`,
    ];
    if (this.extensions !== "") lines.push(`Sec-WebSocket-Extensions: ${this.extensions}`);
    this.send(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`));
  }
}

/** Servers for clients of ours, one for each that connects. */
export class MemoryServerPeers {
  readonly #listener: Listener;
  #port = 0;
  #accepted: ServerPeer[] = [];
  #extensions: string;

  constructor(engine: MemoryEngine, extensions = "") {
    this.#extensions = extensions;
    this.#listener = engine.listen(
      {
        address: loopback(),
        backlog: 511,
        reusePort: false,
        dualStack: false,
        stream: PLAIN_STREAM,
      },
      {
        listenerOpened: (address): void => {
          this.#port = "port" in address ? (address.port ?? 0) : 0;
        },
        listenerAccepted: (stream): StreamSink => {
          const peer = new ServerPeer(engine, "server");
          peer.extensions = this.#extensions;
          peer.stream = stream;
          this.#accepted.push(peer);
          return peer;
        },
        listenerAcceptFailed: (): void => {},
        listenerClosed: (): void => {},
      },
    );
  }

  /** Connects `agent`. Answers both ends. */
  async connect<Context>(
    agent: WebSocketAgent<Context>,
    context: Context,
  ): Promise<{ socket: WebSocketConnection<Context>; peer: MemoryPeer }> {
    const socket = await agent.connect(`ws://127.0.0.1:${this.#port}/`, { context });
    const { port } = socket.localAddress as { port: number };
    const isIts = ({ stream }: ServerPeer): boolean =>
      (stream?.remoteAddress() as { port: number } | undefined)?.port === port;
    const index = this.#accepted.findIndex(isIts);
    const [peer] = this.#accepted.splice(index, 1);
    return { socket, peer: peer as MemoryPeer };
  }

  close(): void {
    this.#listener.close();
  }
}
