/** Sends orders without waiting, and takes the goods as they come. */
import process from "node:process";
import type { ConnectOptions } from "hp-socket";
import { address } from "./protocol.ts";
import { Station } from "./station.ts";

/** Resolves with all goods, in the order in which they came. */
export async function order(shop: ConnectOptions, goods: readonly string[]): Promise<string[]> {
  const delivered: string[] = [];
  const { promise, resolve } = withResolvers();
  const customer = new Station((message) => {
    if (delivered.push(message) === goods.length) resolve();
  });
  try {
    const { port } = await customer.listen({ host: "127.0.0.1" });
    await Promise.all(goods.map((one) => customer.post(shop, `${port} ${one}`)));
    await promise;
    return delivered;
  } finally {
    await customer.stop();
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

if (import.meta.filename === process.argv[1]) {
  console.log(await order(address, ["flour", "butter", "sugar"]));
}
