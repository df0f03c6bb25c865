/**
 * Sinks that write down what an engine tells them, and an engine wrapper that notices when a sink is
 * called from inside a call into the engine.
 */
import type {
  Address,
  DatagramSink,
  DatagramSocket,
  Engine,
  IpAddress,
  Listener,
  ListenerSink,
  StreamSink,
  StreamSocket,
} from "#src/engine/engine.js";
import { addressOfPeer, type PeerKey, peerKeyOf } from "#src/engine/peer-key.js";
import type { NetError } from "#src/errors.js";
import { isPattern, patternView } from "./byte-pattern.js";

/** Counts how deep we are inside calls into the engine. */
export class CallDepth {
  #depth = 0;
  /** Sink calls that came from inside a call. */
  readonly violations: string[] = [];

  /** To be called first in every sink call. */
  entered(sinkCall: string): void {
    if (this.#depth > 0) this.violations.push(sinkCall);
  }

  /** The object with every method counted. */
  watch<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (_, key): unknown => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...values: unknown[]): unknown => this.#call(() => value.apply(target, values));
      },
      set: (_, key, value): boolean => Reflect.set(target, key, value, target),
    });
  }

  #call<Result>(call: () => Result): Result {
    this.#depth++;
    try {
      return call();
    } finally {
      this.#depth--;
    }
  }
}

/** Memory of records that are over, by its size: new memory costs more than to copy bytes into it. */
const spareMemory = new Map<number, Buffer[]>();

/**
 * What came, one behind the other, since it was cleared. What goes on with the pattern of bytes that tell their
 * place is compared and counted, not copied: most of what cases send.
 */
class ByteRecord {
  /** Bytes before this record: where in the pattern it begins. */
  #startBytes = 0;
  #length = 0;
  /** Empty as long as all that came is the pattern. */
  #memory: Buffer = Buffer.alloc(0);

  get bytes(): Buffer {
    if (this.#memory.length === 0) return patternView(this.#startBytes, this.#length);
    return this.#memory.subarray(0, this.#length);
  }

  append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    const isKept = this.#memory.length > 0;
    if (isKept || !isPattern(bytes, this.#startBytes + this.#length)) {
      if (length > this.#memory.length) this.#grow(length);
      this.#memory.set(bytes, this.#length);
    }
    this.#length = length;
  }

  #grow(length: number): void {
    const size = Math.max(65_536, 2 ** Math.ceil(Math.log2(length)));
    const memory = spareMemory.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
    this.bytes.copy(memory);
    this.#giveBack();
    this.#memory = memory;
  }

  clear(): void {
    this.#giveBack();
    this.#memory = Buffer.alloc(0);
    this.#startBytes += this.#length;
    this.#length = 0;
  }

  #giveBack(): void {
    const size = this.#memory.length;
    if (size === 0) return;
    const spare = spareMemory.get(size) ?? [];
    spareMemory.set(size, spare);
    spare.push(this.#memory);
  }
}

/** A stream and all that happened to it. */
export class StreamProbe implements StreamSink {
  readonly events: string[] = [];
  /** Lengths of the pieces that came. */
  readonly pieceLengths: number[] = [];
  receivedBytes = 0;
  writtenCount = 0;
  writtenBytes = 0;
  error: NetError | undefined = undefined;
  /** What the test does in the call itself, after it was written down. */
  onOpened: () => void = () => {};
  onReceived: (bytes: Buffer) => void = () => {};
  onEnded: () => void = () => {};
  onWritten: (byteCount: number) => void = () => {};
  onClosed: () => void = () => {};
  readonly #depth: CallDepth;
  readonly #record: ByteRecord = new ByteRecord();
  #socket: StreamSocket | undefined = undefined;

  constructor(depth: CallDepth) {
    this.#depth = depth;
  }

  get socket(): StreamSocket {
    if (this.#socket === undefined) throw new Error("the probe has no socket yet");
    return this.#socket;
  }

  set socket(socket: StreamSocket) {
    this.#socket = socket;
  }

  get isOpened(): boolean {
    return this.events.includes("opened");
  }

  get isEnded(): boolean {
    return this.events.includes("ended");
  }

  get isClosed(): boolean {
    return this.events.some((event) => event.startsWith("closed"));
  }

  /** What came, since `forget`. */
  received(): Buffer {
    return this.#record.bytes;
  }

  /** Forgets the bytes that came, not their count; later ones may lie in their memory. */
  forget(): void {
    this.#record.clear();
  }

  streamOpened(): void {
    this.#note("opened");
    this.onOpened();
  }

  streamReceived(bytes: Buffer): void {
    this.#note("received");
    this.pieceLengths.push(bytes.length);
    this.#record.append(bytes);
    this.receivedBytes += bytes.length;
    this.onReceived(bytes);
  }

  streamSecured(): void {
    this.#note("secured");
  }

  streamEnded(): void {
    this.#note("ended");
    this.onEnded();
  }

  streamWritten(byteCount: number): void {
    this.#note(`written ${byteCount}`);
    this.writtenCount++;
    this.writtenBytes += byteCount;
    this.onWritten(byteCount);
  }

  streamClosed(error: NetError | undefined): void {
    this.#note(error === undefined ? "closed" : `closed ${error.code}`);
    this.error = error;
    this.onClosed();
  }

  #note(event: string): void {
    this.#depth.entered(event);
    this.events.push(event);
  }
}

/** A listener, the streams it accepted, and all that happened to it. */
export class ListenerProbe implements ListenerSink {
  readonly events: string[] = [];
  readonly accepted: StreamProbe[] = [];
  readonly acceptErrors: NetError[] = [];
  address: Address | undefined = undefined;
  error: NetError | undefined = undefined;
  /** Called with each accepted stream; false refuses it. */
  onAccepted: (stream: StreamProbe) => boolean = () => true;
  listener: Listener | undefined = undefined;
  readonly #depth: CallDepth;

  constructor(depth: CallDepth) {
    this.#depth = depth;
  }

  get isOpened(): boolean {
    return this.address !== undefined;
  }

  get isClosed(): boolean {
    return this.events.some((event) => event.startsWith("closed"));
  }

  listenerOpened(address: Address): void {
    this.#note("opened");
    this.address = address;
  }

  listenerAccepted(socket: StreamSocket): StreamSink | undefined {
    this.#note("accepted");
    const stream = new StreamProbe(this.#depth);
    stream.socket = this.#depth.watch(socket);
    if (!this.onAccepted(stream)) return undefined;
    this.accepted.push(stream);
    return stream;
  }

  listenerAcceptFailed(error: NetError): void {
    this.#note(`accept failed ${error.code}`);
    this.acceptErrors.push(error);
  }

  listenerClosed(error: NetError | undefined): void {
    this.#note(error === undefined ? "closed" : `closed ${error.code}`);
    this.error = error;
  }

  #note(event: string): void {
    this.#depth.entered(event);
    this.events.push(event);
  }
}

/** A datagram socket and all that happened to it. */
export class DatagramProbe implements DatagramSink {
  readonly events: string[] = [];
  readonly received: { readonly bytes: Buffer; readonly from: IpAddress }[] = [];
  readonly sent: { readonly token: number; readonly error: NetError | undefined }[] = [];
  /** What the network has said of datagrams. */
  readonly refusals: NetError[] = [];
  /** Datagrams that failed. */
  failedCount = 0;
  /** Calls in which datagrams came. */
  receiveCount = 0;
  /** Gets what came as the engine hands it over. */
  onReceive: ((bytes: Buffer) => void) | undefined = undefined;
  address: IpAddress | undefined = undefined;
  error: NetError | undefined = undefined;
  readonly #depth: CallDepth;
  #socket: DatagramSocket | undefined = undefined;

  constructor(depth: CallDepth) {
    this.#depth = depth;
  }

  get socket(): DatagramSocket {
    if (this.#socket === undefined) throw new Error("the probe has no socket yet");
    return this.#socket;
  }

  set socket(socket: DatagramSocket) {
    this.#socket = socket;
  }

  get isOpened(): boolean {
    return this.address !== undefined;
  }

  get isClosed(): boolean {
    return this.events.some((event) => event.startsWith("closed"));
  }

  datagramOpened(address: IpAddress): void {
    this.#note("opened");
    this.address = address;
  }

  datagramReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    this.#note("received");
    this.receiveCount++;
    this.onReceive?.(bytes);
    const address = addressOfPeer(from);
    let at = 0;
    do {
      const end = Math.min(at + segmentBytes, bytes.length);
      this.received.push({ bytes: Buffer.from(bytes.subarray(at, end)), from: address });
      at = end;
    } while (at < bytes.length);
  }

  datagramSent(token: number, error: NetError | undefined, failedCount: number): void {
    this.#note("sent");
    this.sent.push({ token, error });
    this.failedCount += failedCount;
  }

  datagramRefused(error: NetError): void {
    this.#note("refused");
    this.refusals.push(error);
  }

  /** Sends a datagram to an address, or to the peer. */
  send(token: number, bytes: Uint8Array, to?: IpAddress): void {
    this.socket.send(token, bytes, to && peerKeyOf(to));
  }

  /** Sends a run of datagrams to an address, or to the peer. */
  sendRun(token: number, pieces: readonly Uint8Array[], to?: IpAddress): void {
    this.socket.sendRun(token, pieces, to && peerKeyOf(to));
  }

  datagramClosed(error: NetError | undefined): void {
    this.#note(error === undefined ? "closed" : `closed ${error.code}`);
    this.error = error;
  }

  #note(event: string): void {
    this.#depth.entered(event);
    this.events.push(event);
  }
}

/** An engine whose calls are counted. */
export function watchedEngine(engine: Engine, depth: CallDepth): Engine {
  const watched = depth.watch(engine);
  return new Proxy(watched, {
    get: (_, key): unknown => {
      const value: unknown = Reflect.get(watched, key);
      if (key !== "listen" && key !== "connect" && key !== "openDatagram") return value;
      const open = value as (...values: unknown[]) => object;
      return (...values: unknown[]): object => depth.watch(open(...values));
    },
  });
}
