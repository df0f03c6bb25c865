/**
 * Responses of one connection that were given to it whole, and that the system has not taken yet: where
 * somebody wants to know when they are complete. Places are counted in bytes from the beginning of the
 * connection. No more are listed than fit into what may wait to be sent.
 */
import type { CloseReason } from "../../../connection/close-reason.js";
import type { ServerExchange } from "../server-exchange.js";

/** Tells that a response is complete, or was cut. */
export type TellComplete = (exchange: ServerExchange, cut: CloseReason | undefined) => void;

interface Unsent {
  readonly exchange: ServerExchange;
  readonly endBytes: number;
}

export class UnsentResponses {
  private readonly tell: TellComplete;
  private list: Unsent[] = [];

  constructor(tell: TellComplete) {
    this.tell = tell;
  }

  /** A response was given; its last byte is at `endBytes`, and `sentBytes` have left. */
  given(exchange: ServerExchange, endBytes: number, sentBytes: number): void {
    if (endBytes <= sentBytes) this.tell(exchange, undefined);
    else this.list.push({ exchange, endBytes });
  }

  /** The system has taken so many bytes in all. */
  sent(sentBytes: number): void {
    const { list } = this;
    let count = 0;
    while (count < list.length && (list[count] as Unsent).endBytes <= sentBytes) count++;
    if (count === 0) return;
    this.list = list.slice(count);
    for (const { exchange } of list.slice(0, count)) this.tell(exchange, undefined);
  }

  /** The connection has ended, or is another protocol's: what is left was cut, or is taken for sent. */
  end(cut: CloseReason | undefined): void {
    const { list } = this;
    this.list = [];
    for (const { exchange } of list) this.tell(exchange, cut);
  }
}
