/**
 * Heartbeats: two devices say nothing for a while. One answers the heartbeats of its server and stays; the
 * other has stopped answering, as after a pulled cable, and is found within the configured time.
 */
import assert from "node:assert/strict";
import { delimiter, TcpClient, TcpServer } from "hp-socket";

const receive = delimiter();
const ended: string[] = [];

const server = new TcpServer<Buffer, string | undefined>({
  receive,
  heartbeat: {
    everyMs: 100,
    timeoutMs: 100,
    maxMisses: 2,
    message: "PING",
    isAnswer: (packet) => packet.equals(Buffer.from("PONG")),
  },
  onReceive(connection, name) {
    connection.context = name.toString();
    console.log(`server: ${connection.context} is here`);
  },
  onClose(connection, { code, cause }) {
    ended.push(`${connection.context} ${code}`);
    if (cause !== undefined) console.log(`server: lost ${connection.context}: ${cause.message}`);
  },
});
const address = await server.listen({ host: "127.0.0.1" });

const alive = new TcpClient({
  receive,
  // Heartbeats are answered here, and `onReceive` does not see them.
  heartbeat: { isProbe: (packet) => packet.equals(Buffer.from("PING")), answer: "PONG" },
  onReceive: () => assert.fail("a heartbeat is no packet of the application's"),
});
await alive.connect(address);
alive.send("the first device");

const silent = new TcpClient({ receive, onReceive() {} });
await silent.connect(address);
silent.send("the second device");
await silent.stopped();

assert.deepEqual(ended, ["the second device HEARTBEAT_TIMEOUT"]);
assert.equal(alive.isOpen, true);
console.log(
  `server: ${server.connectionCount} device is left, silent for ${alive.silentForMs < 1_000 ? "less than a second" : "long"}`,
);
await Promise.all([alive.stop(), server.stop()]);
