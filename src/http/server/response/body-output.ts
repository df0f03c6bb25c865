/** What the writers of bodies have in common. */
import type { Data, WaitOptions } from "../../../connection/connection.js";
import { invalidArgument, NetError } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";

/** Writes the body of a response: what `exchange.startResponse` returns. */
export interface ResponseWriter {
  /** Whether nothing of a body is sent: to HEAD, with 304, or because the connection has ended. */
  readonly isBodyless: boolean;
  /** Bytes that wait to be sent on the connection, or to be compressed. */
  readonly pendingBytes: number;
  /**
   * Sends a piece of the body; of a body in chunks as one chunk, with `extensions` (from the first
   * ";" on) if there are any. Returns whether to go on, as Node's streams do: false when it is time to wait for
   * {@link drained}, because much waits, or because the connection has ended, with which {@link drained} rejects. A
   * response that has no body (to HEAD, 304) takes pieces and sends none of them. One that is compressed has chunks
   * of its
   * own, without extensions.
   *
   * Throws `INVALID_ARGUMENT` for more bytes than Content-Length announced, `INVALID_STATE` behind the
   * end. Ends the connection with `SEND_QUEUE_FULL` when more than `maxPendingBytes` would wait.
   */
  write(data: Data, extensions?: string): boolean;
  /**
   * Ends the body; in chunks with `trailers`, if there are any. Where the peer gets no chunks
   * (HTTP/1.0, HEAD) they are left out. Returns whether it could be sent. Throws `INVALID_STATE` when
   * fewer bytes were written than announced, `INVALID_ARGUMENT` for trailers that can't be sent, and
   * where Content-Length was given.
   */
  end(trailers?: FieldInput): boolean;
  /**
   * Resolves when little waits to be sent. Rejects with `DRAIN_TIMEOUT`, `ABORTED`, and with
   * `CONNECTION_CLOSED` when the response can't be sent any more.
   */
  drained(options?: WaitOptions): Promise<void>;
  /** Gives the response up: the connection is ended, so that the peer sees that something is missing. */
  abort(): void;
}

/** The same, as the exchange sees it. */
export interface BodyOutput extends ResponseWriter {
  /** Gives the response up, with the error that the connection ends with. */
  abort(error?: NetError): void;
  /**
   * Sends a byte without meaning, where there is one: the size of the next chunk may begin with zeros, a few at most.
   */
  probe(): void;
  /** The connection has ended. */
  connectionEnded(error: NetError): void;
}

/** Throws unless so many bytes are, or at the end make up, what Content-Length has announced. */
export function assertAnnounced(
  announcedBytes: number | undefined,
  givenBytes: number,
  isEnd: boolean,
): void {
  if (announcedBytes === undefined) return;
  if (givenBytes > announcedBytes) {
    const message = `${givenBytes} bytes are more than Content-Length has announced (${announcedBytes})`;
    throw invalidArgument(message, { operation: "send" });
  }
  if (!isEnd || givenBytes === announcedBytes) return;
  const message = `${givenBytes} of the ${announcedBytes} bytes that Content-Length has announced were written`;
  throw new NetError("INVALID_STATE", message, { operation: "send" });
}
