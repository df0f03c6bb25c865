/**
 * A payment switch. Terminals send a request each and wait; the switch passes it on over one long connection
 * to the bank, on which any number of requests are under way and responses come in any order. A bank that says
 * nothing in time gets a reversal, and the terminal is told to try later.
 */
import assert from "node:assert/strict";
import { lengthPrefix, NetError, TcpClient, TcpServer } from "hp-socket";

const receive = lengthPrefix({ format: "uint-be", bytes: 2, maxPacketBytes: 999 });

/** A message: its type, a number that request and response share, and the amount or the verdict. */
const parse = (packet: Uint8Array) => {
  const [type = "", trace = "", value = ""] = Buffer.from(packet).toString().split("|");
  return { type, trace, value };
};

const reversals: string[] = [];
const bank = new TcpServer({
  receive,
  onReceive(connection, packet) {
    const { type, trace, value } = parse(packet);
    if (type === "0420") reversals.push(value);
    if (type === "0420" || value === "13") return; // the bank loses this one
    // Not a promise of the handler: the next request does not wait for this response.
    setTimeout(() => connection.send(`0210|${trace}|approved ${value}`), 90 - Number(value));
  },
});
const toBank = new TcpClient({
  receive,
  correlate: (packet) => parse(packet).trace,
  requestTimeoutMs: 200,
  maxRequestsInFlight: 100,
});
await toBank.connect(await bank.listen({ host: "127.0.0.1" }));

let lastTrace = 0;
const center = new TcpServer({
  receive,
  async onReceive(terminal, packet) {
    const trace = String(++lastTrace).padStart(6, "0");
    try {
      const response = await toBank.request(`0200|${trace}|${packet}`);
      terminal.send(parse(response).value);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      if (error.code === "REQUEST_TIMEOUT") toBank.send(`0420|${trace}|${packet}`);
      terminal.send(`try later: ${error.code}`);
    }
  },
});
const address = await center.listen({ host: "127.0.0.1" });
const terminals = [1, 2, 3].map(() => new TcpClient({ receive }));
await Promise.all(terminals.map((terminal) => terminal.connect(address)));
const ask = (terminal: TcpClient, at: number) => terminal.request(["50", "13", "20"][at] ?? "");
const answers = await Promise.all(terminals.map(ask));
await Promise.all(terminals.map((terminal) => terminal.stop()));
await Promise.all([center.stop(), toBank.stop(), bank.stop()]);
console.log(`terminals: ${answers.join(", ")}; reversals: ${reversals.join(", ")}`);
assert.deepEqual(answers.map(String), ["approved 50", "try later: REQUEST_TIMEOUT", "approved 20"]);
assert.deepEqual(reversals, ["13"]);
