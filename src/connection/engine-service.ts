/**
 * What all components on one engine share: the timing wheel of its clock, and the ways in and out that serve
 * whichever connection receives or has something to send.
 */
import type { Engine } from "../engine/engine.js";
import { TimingWheel } from "../time/timing-wheel.js";
import { Inbound, type ReceivingConnection } from "./inbound.js";
import type { Receiver } from "./receiver.js";
import { Outbound, type SendingConnection } from "./sending/outbound.js";

/** Ways in, and ways out, that are kept for the next connection. */
const MAX_SPARES = 8_192;

/** Shared by everything on one engine. */
export class EngineService {
  readonly engine: Engine;
  readonly wheel: TimingWheel;
  private readonly spares: Outbound[] = [];
  private readonly spareInbounds: Inbound[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
    this.wheel = new TimingWheel(engine.clock);
  }

  /** A way out for `connection`. */
  outboundFor(connection: SendingConnection): Outbound {
    const outbound = this.spares.pop() ?? new Outbound(this);
    outbound.serve(connection);
    return outbound;
  }

  /** The way out serves no connection any more. */
  retire(outbound: Outbound): void {
    if (this.spares.length < MAX_SPARES) this.spares.push(outbound);
  }

  /** A way in for `connection`. */
  inboundFor(connection: ReceivingConnection, receiver: Receiver): Inbound {
    const inbound = this.spareInbounds.pop();
    if (inbound === undefined) return new Inbound(connection, receiver);
    inbound.serve(connection, receiver);
    return inbound;
  }

  /** The way in serves no connection any more. */
  retireInbound(inbound: Inbound): void {
    inbound.leave();
    if (this.spareInbounds.length < MAX_SPARES) this.spareInbounds.push(inbound);
  }

  /**
   * The present by the clock, in whole milliseconds: when the bytes came that are received now. Asked for each time: another's
   * handler may have held the turn up.
   */
  arrivalMs(): number {
    return Math.ceil(this.wheel.clock.now());
  }
}

const services = new WeakMap<Engine, EngineService>();

/** The one service of `engine`. */
export function engineServiceOf(engine: Engine): EngineService {
  let service = services.get(engine);
  if (service === undefined) {
    service = new EngineService(engine);
    services.set(engine, service);
  }
  return service;
}
