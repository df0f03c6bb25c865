/** What both sides do alike: ask, answer, and take notices. */
import { type Data, NetError, type SendResult, type WaitOptions } from "hp-socket";
import { parse, write } from "./protocol.ts";

/** A connection, or a client that has one. */
export interface Line {
  send(data: Data): SendResult;
  request(data: Data, options?: WaitOptions): Promise<Buffer>;
}

export class Side<Other extends Line> {
  readonly #letter: string;
  readonly #answerTo: (question: string) => string | Promise<string>;
  readonly #onNotice: (notice: string, line: Other) => void;
  #lastNumber = 0;

  /** `letter`: the client has another than the server. */
  constructor(
    letter: "C" | "S",
    answerTo: (question: string) => string | Promise<string>,
    onNotice: (notice: string, line: Other) => void = () => {},
  ) {
    this.#letter = letter;
    this.#answerTo = answerTo;
    this.#onNotice = onNotice;
  }

  /** Resolves with the answer. Rejects with a `NetError`: REQUEST_TIMEOUT, CONNECTION_CLOSED, REQUEST_LIMIT, … */
  async ask(line: Other, question: string, options?: WaitOptions): Promise<string> {
    const id = `${this.#letter}${++this.#lastNumber}`;
    return parse(await line.request(write({ kind: "Q", id, body: question }), options)).body;
  }

  /** What came, and is no answer: for `onReceive`. Answers no promise, so that the next message need not wait. */
  take(line: Other, packet: Buffer): void {
    const { kind, id, body } = parse(packet);
    if (kind === "Q") void this.#answer(line, id, body);
    else if (kind === "N") this.#onNotice(body, line);
    // An answer that comes too late: its question was given up.
    else if (kind !== "A") throw new NetError("PACKET_INVALID", `a message of the kind ${kind}`);
  }

  async #answer(line: Other, id: string, question: string): Promise<void> {
    try {
      line.send(write({ kind: "A", id, body: await this.#answerTo(question) }));
    } catch (error) {
      // No answer: the other side's time-out tells it so.
      console.error(error);
    }
  }
}
