// Segments that our KCP carries from one end to the other in one thread, without sockets, in a second of processor
// time; native/kcp-loop.c does the same with the reference in C: `kcp-loop.mjs BYTES LOSS_PERCENT SECONDS`.
import { NoCongestion } from "../../dist/protocol/kcp/congestion.js";
import { Kcp } from "../../dist/protocol/kcp/kcp.js";
import { KcpShare } from "../../dist/protocol/kcp/kcp-share.js";

const [bytes, lossPercent, seconds] = process.argv.slice(2).map(Number);
const loss = lossPercent / 100;
const QUEUE = 4_096;
let state = 1;
let count = 0;

const share = new KcpShare({
  ...{ noDelay: 1, intervalMs: 10 },
  ...{ fastResend: 2, fastLimit: 5, repeatAfterMs: 0, repeatCount: 0, sendWindow: 128 },
  ...{ receiveWindow: 128, mtuBytes: 1_400, isStream: false, minRtoMs: 30 },
  ...{ maxMessageBytes: 65_536, deadLinkCount: 1e9, deadLinkMs: 1e9 },
});
const wires = [0, 1].map(() => ({
  slots: Array.from({ length: QUEUE }, () => Buffer.alloc(1_500)),
  // What a socket would give, so that it is not KCP that pays for it.
  datagrams: Array.from({ length: QUEUE }, () => Buffer.alloc(0)),
  count: 0,
}));
const sides = wires.map((wire, index) => {
  const output = (datagram, start, byteCount) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    if ((state >>> 8) / 16_777_216 < loss || wire.count === QUEUE) return;
    const slot = wire.slots[wire.count];
    slot.set(datagram.bytes.subarray(start, start + byteCount));
    if (wire.datagrams[wire.count].length !== byteCount) {
      wire.datagrams[wire.count] = slot.subarray(0, byteCount);
    }
    wire.count++;
  };
  const message = () => {
    if (index === 1) count++;
  };
  return new Kcp(
    { localConversation: 1, remoteConversation: 1, congestion: new NoCongestion() },
    { output, message },
    share,
  );
});

const data = Buffer.alloc(bytes, 0x61);
const start = performance.now();
const end = start + 500 + seconds * 1_000;
let used;
for (let clock = 0; performance.now() < end; clock += 10) {
  if (used === undefined && performance.now() > start + 500) {
    used = process.cpuUsage();
    count = 0;
  }
  while (sides[0].pendingSegments < 128) sides[0].send(data);
  for (const [index, side] of sides.entries()) {
    const wire = wires[index];
    if (side.dueMs <= clock) side.due(clock);
    else if (side.needsFlush) side.flush(clock);
    for (let number = 0; number < wire.count; number++) {
      sides[1 - index].input(wire.datagrams[number], clock);
    }
    wire.count = 0;
  }
}
const { user, system } = process.cpuUsage(used);
console.log(Math.round((count * 1e6) / (user + system)));
