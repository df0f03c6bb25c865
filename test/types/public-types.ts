/**
 * What the types of the package promise: this file compiles, and where it says so a line does not.
 * Nothing here is run.
 */
import {
  delimiter,
  type IpAddress,
  type NetError,
  pack,
  pull,
  push,
  TcpAgent,
  TcpClient,
  TcpServer,
} from "hp-socket";
import {
  type Http1Limits,
  HttpAgent,
  type NetError as HttpNetError,
  HttpServer,
} from "hp-socket/http";

/** Compiles where both are the same type. */
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
function holds<_Truth extends true>(): void {}

// What onReceive gets follows from the receive model.
new TcpServer({ onReceive: (_connection, received) => holds<Same<typeof received, Buffer>>() });
new TcpServer({
  receive: push(),
  onReceive: (_connection, received) => holds<Same<typeof received, Buffer>>(),
});
new TcpServer({
  receive: pack({ flag: 0x169 }),
  onReceive: (_connection, received) => holds<Same<typeof received, Buffer>>(),
});
new TcpServer({
  receive: pull(),
  onReceive: (_connection, received) => holds<Same<typeof received, number>>(),
});
new TcpClient({
  receive: pull(),
  onReceive: (_client, received) => holds<Same<typeof received, number>>(),
});
new TcpAgent({
  receive: delimiter(),
  onReceive: (_connection, received) => holds<Same<typeof received, Buffer>>(),
});

// A factory gives the context its type.
new TcpServer({
  context: () => ({ since: 0 }),
  onReceive: (connection) => holds<Same<typeof connection.context, { since: number }>>(),
});

// One class of errors, whichever entry it comes from.
holds<Same<typeof NetError, typeof HttpNetError>>();

// Names that there are not, and values that can't be.
// @ts-expect-error: misspelt
new TcpServer({ onRecieve: () => {} });
// @ts-expect-error: no such word
new TcpServer({ sendMode: "fast" });
// @ts-expect-error: a number
new TcpServer({ maxConnections: "10" });
// @ts-expect-error: null is no "left out"
new TcpServer({ maxConnections: null });
// @ts-expect-error: an option of another model
pack({ delimiter: "\n" });
// @ts-expect-error: no limit of that name
new HttpAgent({ limits: { maxHeaders: 1 } });
// @ts-expect-error: no option of a server
new HttpServer({ onRequest: () => {}, receive: push() });

declare const server: TcpServer;
// @ts-expect-error: settings can't be written
server.settings = {};
// @ts-expect-error: ports are numbers
void server.listen({ port: "80" });

// What listen resolves with can be connected to, and has a port where it is one of IP.
declare const client: TcpClient;
export async function connects(): Promise<number> {
  const address = await server.listen({ host: "127.0.0.1" });
  await client.connect(address);
  return (address as IpAddress).port;
}

// All limits are numbers.
declare const limits: Http1Limits;
holds<Same<(typeof limits)[keyof Http1Limits], number>>();

// Errors tell their code from a closed list.
declare const error: NetError;
// @ts-expect-error: no such code
export const isUnknown: boolean = error.code === "NO_SUCH_CODE";
