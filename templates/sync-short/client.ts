/** Asks one question on a connection of its own, and waits for the answer. */
import process from "node:process";
import { type ConnectOptions, TcpClient } from "hp-socket";
import { address, receive } from "./protocol.ts";

/** Resolves with the answer. Rejects with a `NetError`: CONNECTION_REFUSED, REQUEST_TIMEOUT, CONNECTION_CLOSED, … */
export async function ask(to: ConnectOptions, question: string): Promise<string> {
  const client = new TcpClient({ receive });
  await client.connect({ timeoutMs: 5_000, ...to });
  try {
    return (await client.request(question, { timeoutMs: 5_000 })).toString();
  } finally {
    await client.stop();
  }
}

if (import.meta.filename === process.argv[1]) {
  const [question = "hello"] = process.argv.slice(2);
  console.log(await ask(address, question));
}
