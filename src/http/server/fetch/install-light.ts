/** Puts light classes in the place of the platform's, where the application asks for that. */
import { lightResponseBefore } from "./light-response.js";
import { requestMaker } from "./request-maker.js";

type WebGlobals = Pick<typeof globalThis, "Response" | "Request" | "fetch">;

let light: WebGlobals | undefined;
let undo: (() => void) | undefined;

/**
 * Makes `Response` of this process, the global one, a class whose objects an HttpServer sends without
 * reading a stream, which is what costs most in a fetch handler. They behave as the platform's do.
 * Node from 24 on keeps the state of a Request where light ones can't have it: there `Request` and
 * `fetch` are replaced, too, so that they take the light requests of a server. Call it before the
 * application is loaded. Returns a function that puts back what was there.
 */
export function installLightClasses(): () => void {
  undo ??= replaceGlobals();
  return () => {
    undo?.();
    undo = undefined;
  };
}

function replaceGlobals(): () => void {
  light ??= {
    Response: lightResponseBefore(Response),
    Request: requestMaker.requestTakingLight(),
    fetch: requestMaker.fetchTakingLight(),
  };
  const names = [
    "Response",
    ...(requestMaker.isTaken ? [] : (["Request", "fetch"] as const)),
  ] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)!);
  for (const name of names) {
    const own = { value: light[name], writable: true, configurable: true };
    Object.defineProperty(globalThis, name, own);
  }
  requestMaker.isInstalled = true;
  return () => {
    names.forEach((name, index) => {
      Object.defineProperty(globalThis, name, before[index]!);
    });
    requestMaker.isInstalled = false;
  };
}
