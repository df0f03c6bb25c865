/** What compiles of reconnecting over WebSockets and ARQ, and what does not. Compiled with the tests, never run. */
import { ArqAgent, ArqClient, type ArqTarget } from "hp-socket/arq";
import { UdpClient } from "hp-socket/udp";
import {
  WebSocketAgent,
  WebSocketClient,
  type WebSocketLoss,
  type WebSocketTarget,
} from "hp-socket/websocket";

function takes<Value>(_value: Value): void {}

new WebSocketClient({
  reconnect: {
    targets: ["ws://h/", new URL("ws://h/")],
    shouldReconnect: (reason) => {
      takes<WebSocketLoss>(reason);
      return reason.closeCode !== 4_001;
    },
  },
  onReconnecting: (client, attempt) => {
    takes<WebSocketClient>(client);
    takes<number>(attempt);
  },
});
new WebSocketAgent<string>({
  onReconnected: (target) => {
    takes<WebSocketTarget<string>>(target);
    takes<string>(target.context);
    target.send("x", { compress: true });
  },
});
void new WebSocketAgent().connect("ws://h/", { reconnect: { maxAttempts: 3 } });
// @ts-expect-error: targets are URLs
new WebSocketClient({ reconnect: { targets: [{ port: 1 }] } });

new ArqClient({ reconnect: { targets: [{ port: 1 }] }, onGiveUp: (client) => client.linkStats });
new ArqAgent({ onReconnected: (target) => takes<ArqTarget>(target) });
void new ArqAgent().connect({ port: 1, reconnect: true });
// @ts-expect-error: UDP has no handshake
new UdpClient({ reconnect: true });
