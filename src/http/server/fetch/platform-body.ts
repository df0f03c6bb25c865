/**
 * What a Response of the platform's was made of, where Node shows it: up to version 22 its classes keep
 * their state under a symbol. Reading the stream of such a body costs more than the rest of a request. Hot.
 */

/** A body as Node keeps it. `source` is null where it was made of a stream. */
interface KeptBody {
  readonly stream: ReadableStream;
  readonly source: unknown;
}

/** The symbol of the state; null where Node has none. Node loads its classes when they are first looked at. */
let stateSymbol: symbol | null | undefined;

/**
 * The text or the bytes of a body that is not used, and is from then on. Undefined where there is none, where it
 * is of another kind, locked, or not shown.
 */
export function takePlatformBody(response: object): string | Uint8Array | undefined {
  stateSymbol ??= findStateSymbol();
  if (stateSymbol === null || !Object.hasOwn(response, stateSymbol)) return undefined;
  const state: unknown = Reflect.get(response, stateSymbol);
  if (!hasBody(state)) return undefined;
  const { stream, source } = state.body;
  if (typeof source !== "string" && !(source instanceof Uint8Array)) return undefined;
  if (!(stream instanceof ReadableStream) || stream.locked) return undefined;
  // It has nothing to fail with.
  void stream.cancel();
  return source;
}

function findStateSymbol(): symbol | null {
  const symbols = Object.getOwnPropertySymbols(new Response(""));
  return symbols.find(({ description }) => description === "state") ?? null;
}

function hasBody(state: unknown): state is { readonly body: KeptBody } {
  if (typeof state !== "object" || state === null || !("body" in state)) return false;
  const { body } = state;
  return typeof body === "object" && body !== null && "stream" in body && "source" in body;
}
