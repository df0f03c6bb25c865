/** Takes orders, and sends the goods when they are ready: on a connection of its own, to where the customer listens. */
import process from "node:process";
import { address } from "./protocol.ts";
import { Station } from "./station.ts";

/** Orders are `PORT goods`: where the customer listens on this machine, and what is wanted. */
export function createShop(): Station {
  const shop: Station = new Station(async (order) => {
    const [port = "", goods = ""] = order.split(" ", 2);
    await shop.post({ host: "127.0.0.1", port: Number(port) }, `here is: ${goods}`);
  });
  return shop;
}

if (import.meta.filename === process.argv[1]) {
  const shop = createShop();
  await shop.listen(address);
  console.log(`listening on ${address.host} port ${address.port}`);
  process.once("SIGINT", () => void shop.stop());
  process.once("SIGTERM", () => void shop.stop());
}
