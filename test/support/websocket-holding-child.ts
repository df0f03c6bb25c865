/**
 * A WebSocket in a process of its own that is open, or waited for: `ENGINE FACE STATE HOLD`. FACE: `client` or `agent`.
 * STATE: `open`, `asked` (the server does not respond to the handshake) or `lost` (the server does not come back).
 * Says `there` then. HOLD: `unref` lets the process end; `ref` takes that back.
 */
import process from "node:process";
import type { EngineName } from "hp-socket";
import { HttpServer } from "hp-socket/http";
import { WebSocketAgent, WebSocketClient, webSocket } from "hp-socket/websocket";

const [name, face, state, hold] = process.argv.slice(2);
const engine = name as EngineName;
const endpoint = webSocket({ onMessage() {} });
const server = new HttpServer({
  engine,
  onRequest(exchange) {
    if (state === "asked") there();
    else endpoint.handle(exchange);
  },
});
const options = {
  engine,
  reconnect: { firstDelayMs: 600_000, maxDelayMs: 600_000 },
  onReconnecting: () => there(),
};
const outgoing = face === "client" ? new WebSocketClient(options) : new WebSocketAgent(options);

function there(): void {
  outgoing.unref();
  if (hold === "ref") outgoing.ref();
  console.log("there");
}

const { port } = await server.listen({ host: "127.0.0.1" });
server.unref();
const opened = outgoing.connect(`ws://127.0.0.1:${port}/`, { timeoutMs: 0 });
if (state !== "asked") await opened;
if (state === "open") there();
if (state === "lost") await server.stop({ drainMs: 0 });
