// A chat with rooms over WebSocket: a topic for each room.
import assert from "node:assert/strict";
import { WebSocketAgent, WebSocketServer } from "hp-socket/websocket";

interface User {
  readonly name: string;
  readonly room: string;
}

const server = new WebSocketServer<User>({
  path: "/chat",
  onUpgrade({ exchange: { query } }) {
    const name = query.get("name");
    const room = query.get("room");
    if (name === null || room === null) return { status: 400, body: "name and room are wanted\n" };
    return { context: { name, room } };
  },
  onOpen(socket) {
    socket.subscribe(socket.context.room);
    socket.publish(socket.context.room, `${socket.context.name} has come`);
  },
  onMessage(socket, data) {
    socket.publish(socket.context.room, `${socket.context.name}: ${data}`);
  },
  onClose(socket) {
    server.sockets.publish(socket.context.room, `${socket.context.name} has left`);
  },
});
await server.listen({ host: "127.0.0.1" });

const agent = new WebSocketAgent();
const enter = (name: string, room: string) =>
  agent.connect(`ws://127.0.0.1:${server.port}/chat?name=${name}&room=${room}`);

const ann = await enter("ann", "garden");
const bob = await enter("bob", "garden");
const carl = await enter("carl", "kitchen");
bob.send("good morning");
carl.send("is anybody here?");
bob.close();

const heard = [await ann.read(), await ann.read(), await ann.read()];
console.log(heard.join("\n"));
assert.deepEqual(heard, ["bob has come", "bob: good morning", "bob has left"]);

await agent.stop();
await server.stop();
