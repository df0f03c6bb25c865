import type { CarrySink } from "../engine/engine.js";
import type { ProtocolConnection } from "./receiver.js";

/** Counts at two connections what the engine carries from one to the other. */
export class CarriedBytes implements CarrySink {
  private readonly source: ProtocolConnection;
  private readonly target: ProtocolConnection;

  constructor(source: ProtocolConnection, target: ProtocolConnection) {
    this.source = source;
    this.target = target;
  }

  carried(receivedBytes: number, sentBytes: number): void {
    if (receivedBytes > 0) this.source.carriedIn(receivedBytes);
    if (sentBytes > 0) this.target.carriedOut(sentBytes);
  }
}
