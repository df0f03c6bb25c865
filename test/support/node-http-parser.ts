/** Node's own HTTP parser (llhttp), for comparison. It is not public: only tests may use it. */
import type { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import type { Direction } from "./http1-corpus.js";
import type { SeenMessage } from "./http1-recorder.js";

/** What Node made of a stream. */
export interface SeenByNode {
  readonly messages: readonly SeenMessage[];
  /** Its code and reason where it refused. */
  readonly error: string | undefined;
  readonly isUpgraded: boolean;
}

type HeadersComplete = (
  major: number,
  minor: number,
  fields: string[] | undefined,
  method: number | undefined,
  url: string | undefined,
  statusCode: number | undefined,
  reason: string | undefined,
  upgrade: boolean,
) => number;

interface NodeParser {
  [event: number]: unknown;
  initialize(type: number, resource: object): void;
  execute(bytes: Buffer): number | ParserError;
  finish(): ParserError | undefined;
}

interface ParserError extends Error {
  readonly code: string;
  readonly reason: string;
}

interface ParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const internal = createRequire(import.meta.url)("_http_common") as {
  HTTPParser: ParserClass;
  methods: readonly string[];
};
const GO_ON = 0;
const NO_BODY = 1;
const UPGRADE = 2;

/** Reads a stream, and its end, as a strict `node:http` does. `methods`: of the requests answered. */
export function readByNode(
  bytes: Buffer,
  direction: Direction,
  methods: readonly string[] = [],
): SeenByNode {
  const { HTTPParser } = internal;
  const parser = new HTTPParser();
  const reading = new NodeReading(direction, methods);
  parser.initialize(direction === "request" ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
  parser[HTTPParser.kOnMessageBegin] = () => reading.begin();
  parser[HTTPParser.kOnHeaders] = (fields: string[], url: string) => reading.addFields(fields, url);
  parser[HTTPParser.kOnHeadersComplete] = reading.headersComplete;
  parser[HTTPParser.kOnBody] = (part: Buffer) => reading.body(part);
  parser[HTTPParser.kOnMessageComplete] = () => reading.complete();
  const taken = parser.execute(bytes);
  const error = taken instanceof Error ? taken : reading.isUpgraded ? undefined : parser.finish();
  return {
    messages: reading.messages,
    error: error === undefined ? undefined : `${error.code} ${error.reason}`,
    isUpgraded: reading.isUpgraded,
  };
}

class NodeReading {
  readonly messages: SeenMessage[] = [];
  isUpgraded = false;
  readonly #direction: Direction;
  readonly #methods: string[];
  #fields: string[] = [];
  #url = "";
  #message: SeenMessage | undefined = undefined;

  constructor(direction: Direction, methods: readonly string[]) {
    this.#direction = direction;
    this.#methods = [...methods];
  }

  begin(): void {
    this.#fields = [];
    this.#url = "";
    this.#message = undefined;
  }

  addFields(fields: readonly string[], url: string): void {
    this.#fields.push(...fields);
    this.#url += url;
  }

  readonly headersComplete: HeadersComplete = (
    major,
    minor,
    fields,
    method,
    url,
    statusCode,
    reason,
    upgrade,
  ) => {
    this.addFields(fields ?? [], url ?? "");
    const version = `HTTP/${major}.${minor}`;
    const startLine =
      this.#direction === "request"
        ? `${internal.methods[method ?? -1]} ${this.#url} ${version}`
        : `${version} ${statusCode} ${reason}`;
    this.#message = { startLine, fields: this.#takeFields(), body: "", trailers: [] };
    const answer =
      this.#direction === "request" ? (upgrade ? UPGRADE : GO_ON) : this.#afterStatus(statusCode!);
    if (answer === UPGRADE) this.isUpgraded = true;
    return answer;
  };

  body(part: Buffer): void {
    this.#message!.body += part.toString("latin1");
  }

  complete(): void {
    this.#message!.trailers = this.#takeFields();
    this.messages.push(this.#message!);
  }

  #afterStatus(statusCode: number): number {
    const method = this.#methods[0] ?? "GET";
    if (statusCode >= 200 || statusCode === 101) this.#methods.shift();
    if (statusCode === 101) return UPGRADE;
    if (method === "CONNECT" && statusCode >= 200 && statusCode < 300) return UPGRADE;
    return method === "HEAD" ? NO_BODY : GO_ON;
  }

  #takeFields(): string[] {
    const lines: string[] = [];
    for (let index = 0; index < this.#fields.length; index += 2) {
      lines.push(`${this.#fields[index]}: ${this.#fields[index + 1]}`);
    }
    this.#fields = [];
    return lines;
  }
}
