import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A port that no system gives to who asks for any: a connection to it is refused. */
export const NOBODYS_PORT = 1;

/**
 * A TCP port of 127.0.0.1 that refuses connections for as long as the test runs. It is the local port of a
 * connection, so that no listener of another process can be given it. A listener at `[::]` alone can have it.
 */
export async function refusingPort(test: Pick<TestContext, "after">): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[accepted]] = await Promise.all([once(server, "connection"), once(client, "connect")]);
  server.close();
  test.after(() => {
    client.destroy();
    (accepted as Socket).destroy();
  });
  return client.localPort!;
}
