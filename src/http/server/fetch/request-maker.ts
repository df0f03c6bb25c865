/** Makes the Request of an exchange: a light one where Node's own functions take such, else a whole one. */
import { FieldSection } from "../../../protocol/http1/field-section.js";
import type { BodyIntake } from "../../body/body-intake.js";
import { bodyIsUsed } from "./body-bytes.js";
import { LightHeaders } from "./light-headers.js";
import { standBefore } from "./light-members.js";
import { LightRequest, type RequestSource, wholeRequest } from "./light-request.js";

/** Methods that a Request leaves as they are. */
const PLAIN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "HEAD",
  "OPTIONS",
]);

/** Methods that a Request can't have. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

const SAMPLE_URL = "http://localhost/";

/** The method as a Request has it: "get" for GET is one and the same. Undefined where it can have none. */
export function requestMethod(method: string): string | undefined {
  if (PLAIN_METHODS.has(method)) return method;
  if (FORBIDDEN_METHODS.has(method.toUpperCase())) return undefined;
  return new Request(SAMPLE_URL, { method }).method;
}

/** Node loads its classes when they are first looked at, which waits for the first request. */
class RequestMaker {
  /** Whether the global classes were replaced by such as take light requests. */
  isInstalled = false;
  private hasTaken: boolean | undefined = undefined;

  /** A Request. `method` as {@link requestMethod} has it. */
  create(source: RequestSource, method: string, url: string): Request {
    if (!this.isTaken && !this.isInstalled) return wholeRequest(source, method, url);
    return new LightRequest(source, method, url) as unknown as Request;
  }

  /** Whether Node's own functions take light requests: from 24 on they do not. */
  get isTaken(): boolean {
    this.hasTaken ??= prepareClasses();
    return this.hasTaken;
  }

  /** `Request` that takes light ones. */
  requestTakingLight(): typeof Request {
    return new Proxy(Request, {
      construct(platform, [input, ...rest]: unknown[], made) {
        return Reflect.construct(platform, [LightRequest.unwrap(input), ...rest], made) as object;
      },
    });
  }

  /** `fetch` that takes them. */
  fetchTakingLight(): typeof fetch {
    return new Proxy(fetch, {
      apply(platform, self, [input, ...rest]: unknown[]) {
        return Reflect.apply(platform, self, [LightRequest.unwrap(input), ...rest]) as unknown;
      },
    });
  }
}

/** The one of this process, as the classes are. */
export const requestMaker: RequestMaker = new RequestMaker();

function prepareClasses(): boolean {
  const sample = new Request(SAMPLE_URL);
  standBefore(LightRequest, Request, sample);
  standBefore(LightHeaders, Headers, sample.headers);
  Object.defineProperty(LightRequest.prototype, "constructor", { value: Request });
  Object.defineProperty(LightHeaders.prototype, "constructor", { value: Headers });
  try {
    const light = new LightRequest(SAMPLE, "GET", SAMPLE_URL) as unknown as Request;
    return new Request(light).url === SAMPLE_URL;
  } catch {
    // Not a Request of the platform: a TypeError.
    return false;
  }
}

const SAMPLE: RequestSource = {
  headers: new FieldSection(),
  hasBody: false,
  get body(): BodyIntake {
    throw bodyIsUsed();
  },
  get signal(): AbortSignal {
    return new AbortController().signal;
  },
  wholeRequest: undefined,
};
