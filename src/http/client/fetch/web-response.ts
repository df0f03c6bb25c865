/**
 * A `Response` of the web's that was fetched: what a program can't make of the platform's class, its
 * URL and type, and status codes that it refuses, is added to it.
 */
import {
  type AbortListener,
  offAbort,
  onAbort,
} from "../../../connection/waiting/abort-listeners.js";
import type { IncomingBody } from "../../body/incoming-body.js";
import type { HttpResponse } from "../http-response.js";
import { bodyFailure } from "./fetch-failure.js";

/** What a fetched response has besides. */
interface Fetched {
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
}

type Body = ReadableStream<Uint8Array> | Uint8Array | null;
type FetchedClass = new (body: Body, init: ResponseInit, fetched: Fetched) => Response;

/** Their responses have no body, whatever comes. */
const NULL_BODY_STATUS: ReadonlySet<number> = new Set([204, 205, 304]);
/** What the platform's class takes at most. */
const MAX_STATUS = 599;

/** `content`: the whole of it, where that was read already. */
export function webResponse(
  response: HttpResponse,
  asked: { readonly method: string; readonly signal: AbortSignal | undefined },
  content?: Uint8Array,
): Response {
  const { status, statusText, url, redirected } = response;
  const hasBody = asked.method !== "HEAD" && !NULL_BODY_STATUS.has(status);
  if (!hasBody) response.body.discard();
  const init = {
    status: Math.min(status, MAX_STATUS),
    statusText,
    headers: [...response.headers.entries()],
  };
  const body = hasBody ? (content ?? streamOf(response.body, asked.signal)) : null;
  return new (fetchedClass())(body, init, { url, redirected, status });
}

let classBefore: { readonly platform: typeof Response; readonly fetched: FetchedClass } | undefined;

/** Made when it is first used, as Node loads its classes then, and anew when the global one is another. */
function fetchedClass(): FetchedClass {
  if (classBefore?.platform !== Response) {
    classBefore = { platform: Response, fetched: fetchedBehind(Response) };
  }
  return classBefore.fetched;
}

/** What the class needs of the platform's; that declares as properties what it has as accessors. */
type Base = new (...given: ConstructorParameters<typeof Response>) => object;

function fetchedBehind(platform: typeof Response): FetchedClass {
  const { clone } = platform.prototype;
  class FetchedResponse extends (platform as Base) {
    readonly #fetched: Fetched;

    constructor(body: Body, init: ResponseInit, fetched: Fetched) {
      super(body, init);
      this.#fetched = fetched;
    }

    get url(): string {
      return this.#fetched.url;
    }

    get redirected(): boolean {
      return this.#fetched.redirected;
    }

    get type(): string {
      return "basic";
    }

    get status(): number {
      // The platform's constructor asks for it, too.
      return #fetched in this
        ? this.#fetched.status
        : Reflect.get(platform.prototype, "status", this);
    }

    get ok(): boolean {
      return this.status >= 200 && this.status <= 299;
    }

    clone(): FetchedResponse {
      const copy = Reflect.apply(clone, this, []);
      const { body, statusText, headers } = copy;
      if (body !== null) responseOfBody.set(body, copy);
      const own = (this as unknown as Response).body;
      if (own !== null) responseOfBody.set(own, this);
      const status = Math.min(this.status, MAX_STATUS);
      return new FetchedResponse(body, { status, statusText, headers }, this.#fetched);
    }
  }
  Object.defineProperty(FetchedResponse, "name", { value: platform.name });
  return FetchedResponse as unknown as FetchedClass;
}

/** The stream of a body, as far as its end by others goes. Does not keep the stream. */
class StreamEnd implements AbortListener {
  private readonly body: IncomingBody;
  private readonly signal: AbortSignal | undefined;
  private controller: WeakRef<ReadableByteStreamController> | undefined;

  constructor(body: IncomingBody, signal: AbortSignal | undefined) {
    this.body = body;
    this.signal = signal;
    if (signal !== undefined) onAbort(signal, this);
  }

  begin(controller: ReadableByteStreamController): void {
    this.controller = new WeakRef(controller);
  }

  /** Fails what was not read, also where all of the body has come (Fetch standard, "abort a fetch() call"). */
  signalAborted(signal: AbortSignal): void {
    this.controller?.deref()?.error(signal.reason);
    this.body.discard();
  }

  /** The stream has come to its end. */
  done(): void {
    if (this.signal !== undefined) offAbort(this.signal, this);
  }

  /** The rest will not be read: its connection is not held for it. */
  leave(): void {
    this.done();
    this.body.discard();
  }
}

/**
 * The Response that was cloned, or came of it, of each body that has not been read. Node cancels such a body once the
 * Response is collected, whoever has the stream by then.
 */
const responseOfBody: WeakMap<ReadableStream, object> = new WeakMap();

/** Cancels the rest of streams that were collected. */
const forgotten = new FinalizationRegistry<StreamEnd>((end) => end.leave());

function streamOf(body: IncomingBody, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const end = new StreamEnd(body, signal);
  const stream = new ReadableStream({
    type: "bytes",
    start(controller) {
      end.begin(controller);
    },
    async pull(controller) {
      const chunk = await body.read().catch((error: unknown) => {
        end.done();
        throw bodyFailure(error, signal);
      });
      if (chunk !== undefined) {
        // A view of its own: the stream takes its memory away.
        controller.enqueue(new Uint8Array(chunk));
        return;
      }
      end.done();
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel() {
      end.leave();
    },
  });
  forgotten.register(stream, end);
  return stream;
}
