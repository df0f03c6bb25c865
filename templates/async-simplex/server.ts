/** The bank: books what comes in, and says so on its own connection to the branch. */
import process from "node:process";
import { address } from "./protocol.ts";
import { Station } from "./station.ts";

export function createBank(): Station {
  const bank: Station = new Station((order) => void bank.send(`booked: ${order}`));
  return bank;
}

if (import.meta.filename === process.argv[1]) {
  const bank = createBank();
  await bank.listen(address);
  console.log(
    `listening on ${address.host} port ${address.port}, connecting to ${address.port + 1}`,
  );
  await bank.connect({ host: address.host, port: address.port + 1 });
  process.once("SIGINT", () => void bank.stop());
  process.once("SIGTERM", () => void bank.stop());
}
