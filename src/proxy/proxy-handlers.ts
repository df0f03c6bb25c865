/** What an application can see and change of what goes through its proxy. */
import type { MayWait } from "../connection/events/handlers.js";
import type { Address } from "../engine/engine.js";
import type { NetError } from "../errors.js";
import type { FieldInput } from "../protocol/http1/writing/field-writer.js";
import type { FieldPair } from "./hop-fields.js";

/** Who asks for a tunnel, and where to. */
export interface TunnelCall {
  /**
   * `udp`: a SOCKS 5 client wants its datagrams relayed; `host` and `port` are then those that it says it sends from.
   */
  readonly protocol: "connect" | "socks4" | "socks5" | "udp";
  /** Address of the client. */
  readonly client: string | undefined;
  /** Name that it was authenticated by, or that SOCKS 4 told; undefined without one. */
  readonly user: string | undefined;
  /** Name or address, as the client said it. */
  readonly host: string;
  /** Port of the destination. */
  readonly port: number;
}

/** A request that is about to be sent on. What is changed here is sent. */
export interface ProxyRequest {
  /** Address of the client. */
  readonly client: string | undefined;
  /** Name that it was authenticated by; undefined without one. */
  readonly user: string | undefined;
  /** Method of the request. */
  readonly method: string;
  /** The whole URL. */
  url: string;
  /** Fields without those of the hop, in their order; Host is made of the URL. */
  headers: FieldPair[];
  /** The body, which may be replaced: then it is sent in chunks. */
  body: AsyncIterable<Uint8Array> | undefined;
}

/** A response that is about to be sent back. What is changed here is sent. */
export interface ProxyResponse {
  /** The request that it is for. */
  readonly request: ProxyRequest;
  /** Status code. */
  status: number;
  /** Fields without those of the hop, in their order. */
  headers: FieldPair[];
  /** As {@link ProxyRequest.body}. */
  body: AsyncIterable<Uint8Array>;
}

/** A response of the application's own. */
export interface OwnResponse {
  /** Status code. */
  readonly status: number;
  /** Fields of the response. */
  readonly headers?: FieldInput | undefined;
  /** Body of the response. */
  readonly body?: string | Uint8Array | undefined;
}

/** What has become of one request, or of one tunnel. */
export interface AccessRecord {
  /** What the client spoke. */
  readonly protocol: "http" | TunnelCall["protocol"];
  /** Address of the client. */
  readonly client: string | undefined;
  /** Name that it was authenticated by; undefined without one. */
  readonly user: string | undefined;
  /** Method of the request; undefined for tunnels. */
  readonly method: string | undefined;
  /** The URL without its query, or host and port; of `udp` those that the client sends to. */
  readonly target: string;
  /** Status that the client got; undefined for tunnels. */
  readonly status: number | undefined;
  /** Whether the request went over a connection that had carried another one. */
  readonly isReused: boolean;
  /** Bytes of bodies, through the tunnel, or of datagrams. */
  readonly fromClientBytes: number;
  /** The same the other way. */
  readonly toClientBytes: number;
  /** When it began, in milliseconds since 1970 UTC. */
  readonly startedAt: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** What went wrong. */
  readonly error: NetError | undefined;
}

/** Handlers of a `ProxyServer`. All are optional. */
export interface ProxyHandlers {
  /** A request is about to be sent on. May change it, respond itself, or refuse it by `false` (403). */
  onRequest?(
    request: ProxyRequest,
  ): OwnResponse | false | undefined | void | Promise<OwnResponse | false | undefined | void>;
  /** The head of a response has come. May change it. */
  onResponse?(response: ProxyResponse): void | Promise<void>;
  /** A tunnel is asked for, or a relay of datagrams. `false` refuses it. */
  onTunnel?(call: TunnelCall): boolean | undefined | void | Promise<boolean | undefined | void>;
  /** A request or a tunnel is over: for logs. */
  onAccess?(record: AccessRecord): void;
  /** A client was not let in. */
  onRefuse?(error: NetError, remoteAddress: Address | undefined): MayWait;
  /** A handler failed; what it was for gets 502. Without this one a process warning tells of it. */
  onHandlerError?(error: NetError): void;
}
