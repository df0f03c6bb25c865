/** WebSockets, for a process that has nothing else to do: see holding-child.ts. */
import type { EngineName } from "hp-socket";
import { HttpServer } from "hp-socket/http";
import { WebSocketAgent, WebSocketClient, webSocket } from "hp-socket/websocket";
import { fatesOf } from "./process-fate.js";
import { HOLD_FACES, HOLD_STATES } from "./websocket-hold-states.js";

/** Tells the fate of the process with a WebSocket in each state, of each face. */
export async function tellOfWebSockets(engine: EngineName): Promise<void> {
  for (const state of HOLD_STATES) {
    for (const face of HOLD_FACES) {
      const { promise: there, settle } = settled();
      const endpoint = webSocket({ onMessage() {} });
      let wasRefused = false;
      const server = new HttpServer({
        engine,
        onRequest(exchange) {
          if (state === "asked-again" && !wasRefused) {
            wasRefused = true;
            exchange.respond(403);
          } else if (state.startsWith("asked")) settle();
          else endpoint.handle(exchange);
        },
      });
      const options = {
        engine,
        reconnect: { firstDelayMs: 600_000, maxDelayMs: 600_000 },
        onReconnecting: settle,
      };
      const outgoing =
        face === "client" ? new WebSocketClient(options) : new WebSocketAgent(options);
      const { port } = await server.listen({ host: "127.0.0.1" });
      const url = `ws://127.0.0.1:${port}/`;
      if (state === "asked-again") await outgoing.connect(url).catch(() => {});
      const opened = outgoing.connect(url, { timeoutMs: 0 });
      if (state.startsWith("asked")) opened.catch(() => {});
      else await opened;
      if (state === "open") settle();
      if (state === "lost") await server.stop({ drainMs: 0 });
      await there;

      server.unref();
      console.log(`${face}, ${state}: ${await fatesOf(outgoing)}`);
      await outgoing.stop({ drainMs: 0 });
      await server.stop({ drainMs: 0 });
    }
  }
}

function settled(): { promise: Promise<void>; settle: () => void } {
  let settle: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
