/**
 * A WebSocket in a process of its own that is open, or waited for: `ENGINE FACE STATE HOLD`. FACE: `client` or `agent`.
 * STATE: `open`, `asked` (the server does not respond to the handshake), `asked-again` (nor to one on the connection of one
 * that it has refused) or `lost` (the server does not come back).
 * Says `there` then. HOLD: `unref` lets the process end; `ref` takes that back.
 */
import process from "node:process";
import type { EngineName } from "hp-socket";
import { HttpServer } from "hp-socket/http";
import { WebSocketAgent, WebSocketClient, webSocket } from "hp-socket/websocket";

const [name, face, state, hold] = process.argv.slice(2);
const engine = name as EngineName;
const endpoint = webSocket({ onMessage() {} });
let wasRefused = false;
const server = new HttpServer({
  engine,
  onRequest(exchange) {
    if (state === "asked-again" && !wasRefused) {
      wasRefused = true;
      exchange.respond(403);
    } else if (state?.startsWith("asked")) there();
    else endpoint.handle(exchange);
  },
});
const options = {
  engine,
  reconnect: { firstDelayMs: 600_000, maxDelayMs: 600_000 },
  onReconnecting: () => there(),
};
const outgoing = face === "client" ? new WebSocketClient(options) : new WebSocketAgent(options);

/** Holds the process until the server has seen the handshake. */
let untilSeen: NodeJS.Timeout | undefined;

function there(): void {
  if (untilSeen === undefined) outgoing.unref();
  clearTimeout(untilSeen);
  if (hold === "ref") outgoing.ref();
  console.log("there");
}

const { port } = await server.listen({ host: "127.0.0.1" });
server.unref();
const url = `ws://127.0.0.1:${port}/`;
if (state === "asked-again") {
  await outgoing.connect(url).catch(() => {});
  untilSeen = setTimeout(() => {}, 60_000);
  outgoing.unref();
}
const opened = outgoing.connect(url, { timeoutMs: 0 });
if (!state?.startsWith("asked")) await opened;
if (state === "open") there();
if (state === "lost") await server.stop({ drainMs: 0 });
