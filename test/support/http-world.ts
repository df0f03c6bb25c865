/** HTTP servers on the loopback, and plain peers that speak to them byte by byte. */
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { HttpServer, type HttpServerOptions } from "hp-socket/http";
import { until } from "./until.js";

/** Starts a server that ends with the test. */
export async function httpServer(
  test: TestContext,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const server = new HttpServer(options);
  await server.listen({ host: "127.0.0.1" });
  test.after(() => server.stop({ drainMs: 0 }));
  return server;
}

/** One answer, taken apart with no mercy for what is not as it should be. */
export interface Answer {
  readonly statusCode: number;
  readonly reason: string;
  /** Fields by name in lower case; those that came several times joined by ", ". */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A plain TCP peer. */
export class RawPeer {
  readonly socket: Socket;
  /** All that came, as Latin-1. */
  received = "";
  hasEnded = false;
  isClosed = false;
  /** Places in `received` up to which answers were taken. */
  #taken = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
    });
    socket.on("end", () => {
      this.hasEnded = true;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => {});
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Resolves when all of `text` has come. */
  async came(text: string): Promise<void> {
    await until(() => this.received.includes(text) || this.isClosed);
    if (!this.received.includes(text)) throw new Error(`the connection ended without ${text}`);
  }

  /** Resolves when the server has finished. */
  async ended(limitMs?: number): Promise<void> {
    await until(() => this.hasEnded || this.isClosed, limitMs);
  }

  /** The next answer. `hasBody` false: to a HEAD, whatever its length says. */
  async answer(hasBody = true): Promise<Answer> {
    let answer: [Answer, number] | undefined;
    await until(() => {
      answer = readAnswer(this.received, this.#taken, hasBody, this.hasEnded || this.isClosed);
      return answer !== undefined || this.isClosed;
    });
    if (answer === undefined) {
      throw new Error(`no whole answer in ${JSON.stringify(this.received.slice(this.#taken))}`);
    }
    this.#taken = answer[1];
    return answer[0];
  }

  /** What came behind the answers that were taken. */
  get rest(): string {
    return this.received.slice(this.#taken);
  }

  /** The next so many answers. */
  async answers(count: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let index = 0; index < count; index++) answers.push(await this.answer());
    return answers;
  }
}

/** Connects a plain peer that ends with the test. */
export async function rawPeer(
  test: TestContext,
  server: { readonly port: number },
): Promise<RawPeer> {
  const socket = connect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true });
  test.after(() => socket.destroy());
  const peer = new RawPeer(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return peer;
}

function readAnswer(
  text: string,
  from: number,
  hasBody: boolean,
  isAll: boolean,
): [Answer, number] | undefined {
  const headEnd = text.indexOf("\r\n\r\n", from);
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(from, headEnd).split("\r\n");
  const [, code, reason = ""] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine) ?? [];
  if (code === undefined) throw new Error(`no status line: ${statusLine}`);
  const statusCode = Number(code);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:\s]+): (.*)$/.exec(line) ?? [];
    if (name === "") throw new Error(`no field line: ${line}`);
    const key = name.toLowerCase();
    fields.set(key, fields.has(key) ? `${fields.get(key)}, ${value}` : value);
  }
  const bodyless = !hasBody || statusCode < 200 || statusCode === 204 || statusCode === 304;
  const found = bodyless
    ? { body: "", end: headEnd + 4 }
    : readBody(text, headEnd + 4, fields, isAll);
  return found && [{ statusCode, reason, fields, body: found.body }, found.end];
}

function readBody(
  text: string,
  start: number,
  fields: ReadonlyMap<string, string>,
  isAll: boolean,
): { body: string; end: number } | undefined {
  if (fields.get("transfer-encoding") === "chunked") return readChunks(text, start);
  const length = fields.get("content-length");
  if (length === undefined) {
    return isAll ? { body: text.slice(start), end: text.length } : undefined;
  }
  const end = start + Number(length);
  return text.length < end ? undefined : { body: text.slice(start, end), end };
}

function readChunks(text: string, start: number): { body: string; end: number } | undefined {
  let body = "";
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) {
      const end = text.indexOf("\r\n\r\n", lineEnd);
      return end < 0 ? undefined : { body, end: end + 4 };
    }
    const chunkEnd = lineEnd + 2 + size;
    if (text.length < chunkEnd + 2) return undefined;
    body += text.slice(lineEnd + 2, chunkEnd);
    at = chunkEnd + 2;
  }
}
