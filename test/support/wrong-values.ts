/** Values that applications give by mistake, each made anew, and objects that throw when they are looked at. */
import { Buffer } from "node:buffer";
import vm from "node:vm";

const OTHER_REALM = vm.createContext();

/** What the values throw: a failure of the application's own. */
export class Mine extends Error {}

/** Throws whatever is asked of it. */
function hostile(): object {
  const fail = (): never => {
    throw new Mine("looked at");
  };
  return new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail });
}

/** Bytes whose memory was transferred. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/** How each is shown, and what makes it. */
export const WRONG_VALUES: readonly (readonly [shown: string, make: () => unknown])[] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["true", () => true],
  ["0", () => 0],
  ["-1", () => -1],
  ["1.5", () => 1.5],
  ["NaN", () => Number.NaN],
  ["Infinity", () => Number.POSITIVE_INFINITY],
  ["2 ** 53", () => 2 ** 53],
  ["10n", () => 10n],
  ['""', () => ""],
  ['"x"', () => "x"],
  ['"5"', () => "5"],
  ['"\\u0000\\n"', () => "\0\n"],
  ["symbol", () => Symbol("s")],
  ["function", () => () => {}],
  [
    "function that throws",
    () => () => {
      throw new Mine("called");
    },
  ],
  ["class", () => Mine],
  ["{}", () => ({})],
  ["{ x: 1 }", () => ({ x: 1 })],
  ["[]", () => []],
  ["[undefined]", () => [undefined]],
  ['["a", "a"]', () => ["a", "a"]],
  ["[[]]", () => [[]]],
  ["null prototype", () => Object.create(null)],
  ["Date", () => new Date(Number.NaN)],
  ["Map", () => new Map([[1, 2]])],
  ["RegExp", () => /x/],
  ["Promise", () => Promise.resolve()],
  ["bytes", () => Buffer.from("abc")],
  ["no bytes", () => new Uint8Array(0)],
  ["bytes of another realm", () => vm.runInContext("new Uint8Array([65, 66])", OTHER_REALM)],
  ["detached bytes", detached],
  ["ArrayBuffer", () => new ArrayBuffer(2)],
  ["shared memory", () => new Uint8Array(new SharedArrayBuffer(2))],
  ["Float64Array", () => new Float64Array(2)],
  ["URL", () => new URL("http://127.0.0.1:1/")],
  ["aborted signal", () => AbortSignal.abort()],
  ["hostile object", hostile],
];
