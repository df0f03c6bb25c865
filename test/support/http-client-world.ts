/** HTTP clients that end with their tests. */
import type { TestContext } from "node:test";
import {
  HttpAgent,
  type HttpAgentOptions,
  HttpClient,
  type HttpClientOptions,
  HttpSyncClient,
  type HttpSyncClientOptions,
} from "hp-socket/http";

/** An agent that ends with the test. */
export function httpAgent(test: TestContext, options: HttpAgentOptions): HttpAgent {
  const agent = new HttpAgent(options);
  test.after(() => agent.stop({ drainMs: 0 }));
  return agent;
}

/** A client that ends with the test. */
export function httpClient(test: TestContext, options: HttpClientOptions): HttpClient {
  const client = new HttpClient(options);
  test.after(() => client.stop());
  return client;
}

/** A sync client that ends with the test. */
export function httpSyncClient(test: TestContext, options: HttpSyncClientOptions): HttpSyncClient {
  const client = new HttpSyncClient(options);
  test.after(() => client.close());
  return client;
}
