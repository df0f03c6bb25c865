/** What two objects of the web's classes show when the same is done with them, in a form to compare. */
import { Buffer } from "node:buffer";
import { inspect } from "node:util";

/** Does something with an object; what it answers, or throws, is what is compared. */
export type Operation<Subject> = (subject: Subject) => unknown;

/** What came of an operation. */
export async function outcome<Subject>(
  make: () => Subject,
  operation: Operation<Subject>,
): Promise<string> {
  try {
    return inspect(await shown(await operation(make())), { depth: 9, breakLength: 160 });
  } catch (error) {
    return `throws ${thrown(error)}`;
  }
}

/** Names and messages are the platform's, where it throws; ours are the same. */
function thrown(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  return `${error.name} (${error.constructor.name}): ${error.message}`;
}

async function shown(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(shown));
  if (value instanceof Headers) return { headers: [...value] };
  if (value instanceof ReadableStream) return { stream: true, locked: value.locked };
  if (value instanceof ArrayBuffer) return { buffer: Buffer.from(value).toString("hex") };
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const hex = Buffer.from(buffer, byteOffset, byteLength).toString("hex");
    // Where a Buffer lies is the pool's choice.
    const isAlone = Buffer.isBuffer(value) || buffer.byteLength === byteLength;
    return { view: value.constructor.name, hex, isAlone };
  }
  if (value instanceof Blob) return { blob: await value.text(), type: value.type };
  if (value instanceof FormData) return { form: await shown([...value]) };
  if (value instanceof AbortSignal) return { aborted: value.aborted, reason: String(value.reason) };
  if (value instanceof Request) return requestShown(value);
  if (value instanceof Response) return responseShown(value);
  return value;
}

async function requestShown(request: Request): Promise<unknown> {
  const { method, url, headers, bodyUsed, mode, credentials, cache, redirect, referrer } = request;
  const body = await outcome(
    () => request,
    (one) => one.text(),
  );
  return {
    method,
    url,
    headers: [...headers],
    bodyUsed,
    mode,
    credentials,
    cache,
    redirect,
    referrer,
    body,
  };
}

async function responseShown(response: Response): Promise<unknown> {
  const { status, ok, statusText, headers, bodyUsed, type, url, redirected } = response;
  const body = await outcome(
    () => response,
    (one) => one.text(),
  );
  return { status, ok, statusText, headers: [...headers], bodyUsed, type, url, redirected, body };
}
