/** Streams of HTTP/1 messages out of a seed: sound ones, nearly sound ones, and broken ones. */
import { Buffer } from "node:buffer";
import type { Random } from "./random.js";

const METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT", "PATCH", "TRACE"];
const TARGETS = ["/", "/a/b?c=d", "/%20", "//x", "http://a/b", "http://a", "/a b", "a", "*"];
const HOSTS = ["a", "a:80", "[::1]", "ex.org", "", "a,b", "a b"];
const VALUES = ["", "v", "a b", "\x80\xff", '"q"', "a,b;c=d", "a\tb"];
const CONNECTIONS = [
  "close",
  "keep-alive",
  "Keep-Alive",
  "upgrade",
  "close, x",
  ",close",
  "closed",
];
const CODINGS = ["chunked", "chunked", "Chunked", "gzip, chunked", "chunked, x", "identity"];
const EXTENSIONS = ["", "", "", ";a", ";a=b", ';a="b c"', ';a="\\""', ";a;b=c", " ;a", "; a = b"];
const STATUSES = ["200", "200", "404", "204", "304", "100", "103", "500", "101"];
const SPACES = [" ", " ", " ", "", " \t", "\t"];
const NAME_CHARACTERS = [..."abcXYZ09-_!~"];
const HARMFUL = [...'\r\n \t\0:;=\x80\x7f0+-,"\\\x0b#/', "\r\n", "\n\n", " \r\n"];
const HARMFUL_LINES = [
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Host: z",
  " folded",
  "X : y",
  "",
];

/** Which way the messages go. */
export type Direction = "request" | "response";

/** Several messages, four times out of five with some harm done to them. */
export function messageStream(random: Random, direction: Direction): Buffer {
  let text = "";
  for (let count = random.integer(1, 3); count > 0; count -= 1) text += message(random, direction);
  return Buffer.from(random.next() < 0.8 ? harm(random, text) : text, "latin1");
}

/** Requests that responses may answer, "+" behind one that asks for an upgrade. */
export function requestMethods(random: Random): readonly string[] {
  return Array.from({ length: 4 }, () => random.pick(["GET", "GET", "GET+", "HEAD", "CONNECT"]));
}

function message(random: Random, direction: Direction): string {
  const fields = [...someFields(random)];
  const body = someBody(random, fields);
  if (direction === "request" && random.next() < 0.95) fields.push(field(random, "Host", HOSTS));
  const version = `HTTP/1.${random.next() < 0.85 ? 1 : 0}`;
  const startLine =
    direction === "request"
      ? `${requestStart(random)} ${version}`
      : `${version} ${random.pick(STATUSES)}${random.pick([" OK", "", " ", " a b"])}`;
  fields.sort(() => random.next() - 0.5);
  return `${[startLine, ...fields].join("\r\n")}\r\n\r\n${body}`;
}

function requestStart(random: Random): string {
  const method = random.pick(METHODS);
  if (method === "CONNECT") return `CONNECT ${random.pick(["a:1", "[::1]:443", "a"])}`;
  return `${method} ${random.pick(random.next() < 0.9 ? TARGETS.slice(0, 6) : TARGETS)}`;
}

function* someFields(random: Random): Generator<string> {
  for (let count = random.integer(0, 3); count > 0; count -= 1) {
    yield field(random, token(random), VALUES);
  }
  if (random.next() < 0.3) yield field(random, "Connection", CONNECTIONS);
  if (random.next() < 0.1) yield field(random, "Upgrade", ["x", "websocket"]);
  if (random.next() < 0.1) yield field(random, "Expect", ["100-continue", "x"]);
}

function someBody(random: Random, fields: string[]): string {
  const kind = random.next();
  if (kind < 0.3) {
    const body = "y".repeat(random.integer(0, 12));
    fields.push(field(random, "Content-Length", [String(body.length)]));
    return body;
  }
  if (kind > 0.6) return "";
  fields.push(field(random, "Transfer-Encoding", CODINGS));
  return chunks(random);
}

function chunks(random: Random): string {
  let text = "";
  for (let count = random.integer(0, 3); count > 0; count -= 1) {
    const data = "x".repeat(random.integer(1, 18));
    const size = data.length.toString(16);
    text += random.pick([size, size.toUpperCase(), `0${size}`]);
    text += `${random.pick(EXTENSIONS)}\r\n${data}\r\n`;
  }
  const trailer = random.next() < 0.3 ? `${token(random)}: t\r\n` : "";
  return `${text}0${random.pick(EXTENSIONS)}\r\n${trailer}\r\n`;
}

function field(random: Random, name: string, values: readonly string[]): string {
  return `${name}:${random.pick(SPACES)}${random.pick(values)}${random.pick(SPACES)}`;
}

function token(random: Random): string {
  const characters = Array.from({ length: random.integer(1, 6) }, () =>
    random.pick(NAME_CHARACTERS),
  );
  return characters.join("");
}

/** One or two of: cut out, doubled, put in, exchanged, bits flipped; now and then a whole line. */
function harm(random: Random, sound: string): string {
  let text = sound;
  for (let count = random.integer(1, 2); count > 0; count -= 1) {
    const start = random.integer(0, text.length);
    const end = Math.min(text.length, start + random.integer(0, 3));
    const part = text.slice(start, end);
    const put = random.pick([
      () => "",
      () => part + part,
      () => part + random.pick(HARMFUL),
      () => random.pick(HARMFUL),
      () => random.bytes(part.length).toString("latin1"),
      () => part.toUpperCase(),
    ]);
    text = `${text.slice(0, start)}${put()}${text.slice(end)}`;
  }
  if (random.next() > 0.15) return text;
  const lines = text.split("\r\n");
  lines.splice(random.integer(0, lines.length), 0, random.pick([...HARMFUL_LINES, lines[0]!]));
  return lines.join("\r\n");
}
