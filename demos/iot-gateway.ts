/**
 * An IoT gateway. Old devices send their length as four ASCII digits, new ones as two bytes of BCD; the gateway
 * takes both, knows each device by its number, passes readings on to one collector as JSON lines, and a
 * command of the collector to the device that it is for.
 */
import assert from "node:assert/strict";
import { type Connection, delimiter, lengthPrefix, TcpClient, TcpServer } from "hp-socket";

const ascii = lengthPrefix({ format: "ascii", bytes: 4, maxPacketBytes: 1_024 });
const bcd = lengthPrefix({ format: "bcd", bytes: 2, maxPacketBytes: 1_024 });

// The collector, somewhere else.
const readings: string[] = [];
const collector = new TcpServer({
  receive: delimiter(),
  onReceive(connection, line) {
    readings.push(line.toString());
    if (readings.length === 2) connection.send(`{"device":"new-2","command":"report"}`);
  },
});

// The gateway: a server for each kind of device, and the way to the collector.
const uplink = new TcpClient({
  receive: delimiter(),
  onReceive(_uplink, line) {
    const { device, command } = JSON.parse(line.toString()) as { device: string; command: string };
    const connection = servers.map((server) => server.byKey(device)).find((one) => one);
    console.log(`${command} for ${device}: ${connection?.send(command) === true}`);
  },
});
const deviceHandlers = {
  idleTimeoutMs: 60_000,
  onHandshake: (connection: Connection) => void connection.setDeadline(10_000, "no number came"),
  onReceive(connection: Connection, packet: Buffer): void {
    const { key } = connection;
    if (key !== undefined) uplink.send(JSON.stringify({ device: key, reading: `${packet}` }));
    // A device that comes back takes the place of its old connection.
    else if (connection.setDeadline(0)) connection.key = packet.toString();
  },
};
const servers = [ascii, bcd].map((receive) => new TcpServer({ receive, ...deviceHandlers }));
await uplink.connect(await collector.listen({ host: "127.0.0.1" }));

const devices = [ascii, bcd].map((receive) => new TcpClient({ receive }));
for (const [index, device] of devices.entries()) {
  await device.connect((await servers[index]?.listen({ host: "127.0.0.1" })) ?? {});
  device.send(["old-1", "new-2"][index] ?? "");
  device.send(`21.${index} °C`);
}
const command = await devices[1]?.read({ timeoutMs: 5_000 });
console.log(`the new device is told: ${command}; the collector has ${readings.sort().join(" ")}`);
assert.equal(String(command), "report");
assert.deepEqual(
  readings.map((line) => JSON.parse(line).reading),
  ["21.1 °C", "21.0 °C"],
);

await Promise.all([...devices, ...servers, uplink].map((component) => component.stop()));
await collector.stop();
