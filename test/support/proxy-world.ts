/** A proxy that listens, and ends with its test. */
import type { TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import { ProxyServer, type ProxyServerOptions } from "hp-socket/proxy";

/** Starts one that reaches 127.0.0.0/8, unless the options say otherwise. */
export async function proxyServer(
  test: TestContext,
  engine: EngineName,
  options: ProxyServerOptions = {},
): Promise<ProxyServer> {
  const destinations = { allow: ["127.0.0.0/8"] };
  const server = new ProxyServer({ engine, destinations, ...options });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen();
  return server;
}
