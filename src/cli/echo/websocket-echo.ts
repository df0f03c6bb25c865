import { WebSocketServer } from "../../websocket/index.js";
import type { ServedTls } from "../choices/tls-choice.js";
import type { EngineChoiceName } from "../command.js";
import { ServerService } from "../service/service.js";

const GIB = 1_073_741_824;
const MAX_FRAGMENTS = 16_777_216;

/** A peer that makes up a large message may be silent for long, and is not to be disturbed. */
const PING_INTERVAL_MS = 300_000;
const PONG_TIMEOUT_MS = 60_000;

/** What an echo server of WebSockets is made of. */
export interface WebSocketEchoOptions {
  readonly engine: EngineChoiceName | undefined;
  /** Largest message. Default: 1 GiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Default: the component's own. */
  readonly maxConnections?: number | undefined;
  /** Default: compression is agreed on with clients that offer it. */
  readonly compresses?: boolean;
  /** Default: plain. */
  readonly secured?: ServedTls | undefined;
}

/**
 * Sends messages back, text as text, and compressed where that was agreed on. A peer that does not read its
 * answers is read from no further until it does.
 */
export class WebSocketEcho extends ServerService {
  readonly name: string = "websocket";
  override readonly fingerprint: string | undefined;
  protected readonly server: WebSocketServer;
  protected messageCount = 0;

  constructor(options: WebSocketEchoOptions) {
    super();
    const { engine, maxMessageBytes = GIB, maxConnections, compresses = true, secured } = options;
    this.fingerprint = secured?.fingerprint;
    this.server = new WebSocketServer({
      maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
      maxPendingBytes: 4 * GIB,
      slowConsumer: "pause",
      pingIntervalMs: PING_INTERVAL_MS,
      pongTimeoutMs: PONG_TIMEOUT_MS,
      compression: compresses && { minBytes: 0 },
      ...(engine !== undefined && { engine }),
      ...(secured !== undefined && { tls: secured.tls }),
      onMessage: (socket, data) => {
        this.messageCount += 1;
        socket.send(data);
      },
      http: {
        ...(maxConnections !== undefined && { maxConnections }),
        onRefuse: (error) => {
          this.lastError = error;
        },
      },
    });
  }
}
