/** WebSocket servers on the loopback, and peers that speak to them frame by frame. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import {
  type SocketGroup,
  type WebSocketConnection,
  WebSocketServer,
  type WebSocketServerOptions,
} from "hp-socket/websocket";
import type { Inflater } from "#src/protocol/websocket/deflate-context.js";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { until } from "./until.js";
import { closeBody, type FrameShape, frame } from "./websocket-frames.js";
import { MessageRecorder } from "./websocket-recorder.js";

/** Starts a server that ends with the test. */
export async function webSocketServer<Context>(
  test: TestContext,
  options: WebSocketServerOptions<Context>,
): Promise<WebSocketServer<Context>> {
  const server = new WebSocketServer<Context>(options);
  await server.listen({ host: "127.0.0.1" });
  test.after(() => server.stop({ drainMs: 0 }));
  return server;
}

/** How a peer asks. */
export interface PeerOptions {
  readonly path?: string;
  /** Further lines of the request. */
  readonly fields?: readonly string[];
  /** Bytes that follow the request at once. */
  readonly early?: Buffer;
  readonly inflater?: Inflater;
}

/** A client that sends what it is told, sound or not, and writes down what comes. */
export class FramePeer {
  readonly socket: Socket;
  readonly recorder: MessageRecorder = new MessageRecorder();
  /** The head of the response. */
  head = "";
  /** What came behind the head of a response that is not 101. */
  body = "";
  isClosed = false;
  readonly #decoder: FrameDecoder;
  #start: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, inflater?: Inflater) {
    this.socket = socket;
    this.#decoder = new FrameDecoder({ role: "client", inflater });
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => {});
  }

  #take(bytes: Buffer): void {
    if (this.head !== "") {
      this.#feed(bytes);
      return;
    }
    this.#start = Buffer.concat([this.#start, bytes]);
    const end = this.#start.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.head = this.#start.toString("latin1", 0, end);
    this.#feed(this.#start.subarray(end + 4));
  }

  #feed(bytes: Buffer): void {
    if (this.status !== 101) {
      this.body += bytes.toString("latin1");
      return;
    }
    const decoder = this.#decoder;
    let taken = decoder.feed(bytes, this.recorder);
    while (decoder.isInflating) taken += decoder.feed(bytes.subarray(taken), this.recorder);
  }

  get status(): number {
    return Number(this.head.slice(9, 12));
  }

  /** The value of a field of the response, or undefined. */
  field(name: string): string | undefined {
    const line = this.head
      .split("\r\n")
      .find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return line?.slice(name.length + 1).trim();
  }

  get events(): readonly string[] {
    return this.recorder.events;
  }

  send(...shapes: (FrameShape | Buffer | string)[]): void {
    const frames = shapes.map((shape) => {
      if (typeof shape === "string") return frame({ payload: shape });
      return Buffer.isBuffer(shape) ? shape : frame(shape);
    });
    this.socket.write(Buffer.concat(frames));
  }

  close(code = 1000, reason = ""): void {
    this.send({ opcode: OPCODE.close, payload: closeBody(code, reason) });
  }

  /** Resolves when this event has come. */
  async saw(event: string): Promise<void> {
    await until(() => this.events.includes(event) || this.isClosed);
    assert.ok(this.events.includes(event), `${event} among ${this.events.join(", ")}`);
  }

  async ended(): Promise<void> {
    await until(() => this.isClosed);
  }
}

/** A request to upgrade, with fields besides those that it needs. */
export function upgradeRequest(path: string, fields: readonly string[]): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: server.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...fields,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}

/** Connects a peer, which has the response when this resolves. */
export async function framePeer(
  test: TestContext,
  port: number,
  options: PeerOptions = {},
): Promise<FramePeer> {
  const { path = "/", fields = [], early, inflater } = options;
  const socket = connect(port, "127.0.0.1");
  test.after(() => socket.destroy());
  const peer = new FramePeer(socket, inflater);
  const head = upgradeRequest(path, fields);
  socket.write(early === undefined ? head : Buffer.concat([head, early]));
  await until(() => peer.head !== "" || peer.isClosed);
  return peer;
}

/** The open sockets of a component. */
export function socketsOf<Context>(group: SocketGroup<Context>): WebSocketConnection<Context>[] {
  return group.connectionIds().flatMap((id) => group.connection(id) ?? []);
}
