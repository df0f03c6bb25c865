/** An engine whose datagram sockets are played by the test: any address may send, and what is sent is counted. */
import type {
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  Engine,
  PeerKey,
} from "#src/engine/engine.js";
import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import { ManualClock } from "#src/time/clock.js";

/** One datagram, or run, that was sent. */
export interface StubSend {
  readonly token: number;
  readonly pieces: readonly Buffer[];
  readonly to: PeerKey | undefined;
}

/** A socket that is played by the test. */
export class StubDatagram implements DatagramSocket {
  readonly sink: DatagramSink;
  readonly lendsBytes = true;
  readonly keepsTurn = false;
  readonly droppedCount = 0;
  readonly sent: StubSend[] = [];
  /** Whether sends are completed by themselves, in a microtask. */
  completes = true;
  isClosed = false;

  constructor(sink: DatagramSink) {
    this.sink = sink;
  }

  /** Bytes come from an address, lent for the call: they are spoilt behind it. */
  receive(bytes: Buffer, from: PeerKey, segmentBytes = bytes.length): void {
    const lent = Buffer.from(bytes);
    this.sink.datagramReceived(lent, from, segmentBytes);
    lent.fill(0xee);
  }

  send(token: number, bytes: Uint8Array, to?: PeerKey): void {
    this.sendRun(token, [bytes], to);
  }

  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void {
    this.sent.push({ token, pieces: pieces.map((piece) => Buffer.from(piece)), to });
    if (this.completes) queueMicrotask(() => this.sink.datagramSent(token, undefined, 0));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    queueMicrotask(() => this.sink.datagramClosed(undefined));
  }

  joinGroup(): void {
    // Nobody casts here.
  }

  leaveGroup(): void {
    // As above.
  }

  setMulticastInterface(): void {
    // As above.
  }

  setMulticastTtl(): void {
    // As above.
  }

  setMulticastLoop(): void {
    // As above.
  }

  pause(): void {
    // The test decides what comes.
  }

  resume(): void {
    // As above.
  }

  ref(): void {
    // It is no socket of the system's.
  }

  unref(): void {
    // As above.
  }
}

/** The engine with its clock, and the sockets that were opened on it. */
export interface StubWorld {
  readonly clock: ManualClock;
  readonly engine: Engine;
  readonly sockets: readonly StubDatagram[];
  /** Lets the turn end, and everything settle. */
  settle(): Promise<void>;
}

/** An engine of that kind, with a clock that is moved by hand. */
export function stubWorld(): StubWorld {
  const clock = new ManualClock();
  const memory = new MemoryEngine({ clock });
  const sockets: StubDatagram[] = [];
  const open = ({ address }: DatagramTarget, sink: DatagramSink): DatagramSocket => {
    const socket = new StubDatagram(sink);
    sockets.push(socket);
    queueMicrotask(() => sink.datagramOpened({ ...address, port: address.port || 5_555 }));
    return socket;
  };
  const engine = new Proxy<Engine>(memory, {
    get(target, name): unknown {
      if (name === "openDatagram") return open;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) await memory.settle();
  };
  return { clock, engine, sockets, settle };
}
