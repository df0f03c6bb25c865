/** Asks again and again on one connection, which is made anew when it is lost. */
import process from "node:process";
import { TcpClient } from "hp-socket";
import { address, receive } from "./protocol.ts";

export function createClient(): TcpClient {
  return new TcpClient({
    receive,
    requestTimeoutMs: 5_000,
    reconnect: { firstDelayMs: 250, maxDelayMs: 30_000 },
    // After 15 seconds of silence a message of no bytes, which the server sends back.
    heartbeat: { everyMs: 15_000, timeoutMs: 5_000, message: "", isAnswer: isEmpty },
    onReconnecting: (_, attempt, delayMs, { code }) =>
      console.error(`${code}: attempt ${attempt} in ${delayMs} ms`),
  });
}

function isEmpty(packet: Uint8Array): boolean {
  return packet.length === 0;
}

/** Adds to the account of this connection. Rejects when there is none at the moment, or no answer comes in time. */
export async function add(client: TcpClient, amount: number): Promise<number> {
  return Number((await client.request(String(amount))).toString());
}

if (import.meta.filename === process.argv[1]) {
  const client = createClient();
  await client.connect(address);
  for (const amount of [1, 2, 3]) console.log(await add(client, amount));
  await client.stop();
}
