// A chat with rooms over WebSocket, a topic for each, and a page for browsers: `websocket-chat.js serve` keeps it.
import assert from "node:assert/strict";
import process from "node:process";
import { WebSocketAgent, WebSocketServer } from "hp-socket/websocket";

const PAGE = `<!doctype html><meta charset="utf-8"><title>chat</title>
<form><input autofocus size="60"></form><pre></pre><script>
const query = new URLSearchParams(location.search);
const address = "room=" + (query.get("room") || "garden") + "&name=" + (query.get("name") || "guest");
const socket = new WebSocket("ws://" + location.host + "/chat?" + address);
const show = (line) => { document.querySelector("pre").textContent += line + "\\n"; };
const say = (text) => socket.send(text);
socket.onopen = () => { if (query.has("say")) say(query.get("say")); };
socket.onmessage = ({ data }) => show(data);
socket.onclose = ({ code }) => show("closed with " + code);
document.forms[0].onsubmit = ({ target }) => { say(target[0].value); target.reset(); return false; };
</script>`;

const server = new WebSocketServer<{ readonly name: string; readonly room: string }>({
  path: "/chat",
  onUpgrade({ exchange: { query } }) {
    const [name, room] = [query.get("name"), query.get("room")];
    if (name === null || room === null) return { status: 400, body: "name and room are wanted\n" };
    return { context: { name, room } };
  },
  onOpen(socket) {
    socket.subscribe(socket.context.room);
    socket.publish(socket.context.room, `${socket.context.name} has come`);
  },
  onMessage: ({ context: { name, room } }, data) => void server.publish(room, `${name}: ${data}`),
  onClose({ context: { name, room } }) {
    server.publish(room, `${name} has left`);
  },
  http: { onRequest: (exchange) => exchange.respond(200, { "Content-Type": "text/html" }, PAGE) },
});
await server.listen({ host: "127.0.0.1" });
console.log(`READY http://127.0.0.1:${server.port}/?room=garden&name=you`);

if (process.argv[2] !== "serve") {
  const agent = new WebSocketAgent();
  const enter = (name: string, room: string) =>
    agent.connect(`ws://127.0.0.1:${server.port}/chat?name=${name}&room=${room}`);
  const ann = await enter("ann", "garden");
  const [bob, carl] = [await enter("bob", "garden"), await enter("carl", "kitchen")];
  bob.send("good morning");
  carl.send("is anybody here?");
  bob.close();
  const heard = [await ann.read(), await ann.read(), await ann.read()];
  console.log(heard.join("\n"));
  assert.deepEqual(heard, ["bob has come", "bob: good morning", "bob has left"]);
  await agent.stop();
  await server.stop();
}
