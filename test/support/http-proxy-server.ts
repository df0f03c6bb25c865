/** A proxy for tests, of node:http: forwards absolute-form requests, and makes tunnels. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A request as the proxy saw it. */
export interface SeenByProxy {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** A proxy that listens. */
export interface ProxyServer {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly seen: readonly SeenByProxy[];
}

/** `authorization`: what Proxy-Authorization has to be; else the answer is 407. */
export async function proxyServer(
  test: TestContext,
  { authorization }: { readonly authorization?: string } = {},
): Promise<ProxyServer> {
  const seen: SeenByProxy[] = [];
  const sockets: Socket[] = [];
  const isLetIn = ({ headers }: { readonly headers: IncomingHttpHeaders }): boolean =>
    authorization === undefined || headers["proxy-authorization"] === authorization;
  const server = createServer((request, response) => {
    const { method = "", url: target = "", headers } = request;
    seen.push({ method, target, headers });
    if (!isLetIn(request)) {
      response.writeHead(407, { "Proxy-Authenticate": 'Basic realm="r"' }).end("who are you?");
      return;
    }
    const { "proxy-authorization": _mine, ...forwarded } = headers;
    const onward = httpRequest(target, { method, headers: forwarded }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on("connect", (request, socket: Socket, early: Buffer) => {
    const { method = "", url: target = "", headers } = request;
    seen.push({ method, target, headers });
    socket.on("error", () => {});
    sockets.push(socket);
    if (!isLetIn(request)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nwho");
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const onward = connect({ host: hostname.replace(/[[\]]/g, ""), port: Number(port) }, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(early);
      onward.pipe(socket).pipe(onward);
    });
    sockets.push(onward);
    onward.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, seen };
}
