/** The branch: sends orders, and hears later what became of them, on the connection that the bank makes. */
import process from "node:process";
import { address } from "./protocol.ts";
import { Station } from "./station.ts";

export function createBranch(onBooked: (message: string) => void): Station {
  return new Station(onBooked);
}

if (import.meta.filename === process.argv[1]) {
  const branch = createBranch((message) => console.log(message));
  await branch.listen({ host: address.host, port: address.port + 1 });
  await branch.connect(address);
  for (const amount of [100, 200, 300]) branch.send(`${amount} to account 7`);
  process.once("SIGINT", () => void branch.stop());
  process.once("SIGTERM", () => void branch.stop());
}
