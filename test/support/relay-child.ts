/**
 * A relay in a process of its own: `relay-child ENGINE TO [OPTIONS]`, the options as JSON. Prints `READY` and its port.
 * For each line that it is given it tells of itself, as JSON: see `RelayReport`. Counts what is allocated for bytes from
 * when it listens on.
 */
import { readdirSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

/** What such a process tells. */
export interface RelayReport {
  readonly connectionCount: number;
  /** Bytes of buffers that were made, of 2 KiB and more each. */
  readonly allocatedBytes: number;
  readonly rssBytes: number;
  readonly descriptorCount: number;
}

/** Buffers of less are no bodies of messages. */
const MIN_COUNTED_BYTES = 2_048;

let allocatedBytes = 0;
const note = (byteCount: number): void => {
  if (byteCount >= MIN_COUNTED_BYTES) allocatedBytes += byteCount;
};
for (const name of ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const) {
  const make: (byteCount: number, ...rest: never[]) => Buffer = Buffer[name].bind(Buffer);
  Buffer[name] = ((byteCount: number, ...rest: never[]) => {
    note(byteCount);
    return make(byteCount, ...rest);
  }) as typeof Buffer.alloc;
}
const copy: (...given: never[]) => Buffer = Buffer.from.bind(Buffer) as never;
Buffer.from = ((...given: never[]) => {
  if (ArrayBuffer.isView(given[0])) note((given[0] as Uint8Array).byteLength);
  return copy(...given);
}) as never;

const [, , engine, to, options = "{}"] = process.argv;
const { Relay } = await import("hp-socket/proxy");
const relay = new Relay({ engine, to: [to], ...JSON.parse(options) } as never);
const { port } = await relay.listen({ host: "127.0.0.1" });
allocatedBytes = 0;
console.log(`READY ${port}`);
for await (const _ of createInterface({ input: process.stdin })) {
  const report: RelayReport = {
    connectionCount: relay.connectionCount,
    allocatedBytes,
    rssBytes: process.memoryUsage().rss,
    descriptorCount: readdirSync("/proc/self/fd").length,
  };
  console.log(JSON.stringify(report));
}
process.exit(0);
