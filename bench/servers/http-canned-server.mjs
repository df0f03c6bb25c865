// Answers every request that ends in an empty line with the same bytes, faster than a client can ask.
import { TcpServer } from "hp-socket";

const [bodyBytes = "13"] = process.argv.slice(2);
const body = Buffer.alloc(Number(bodyBytes), "Hello, World!");
const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n`;
const date = `Date: ${new Date().toUTCString()}\r\n\r\n`;
const answer = Buffer.concat([Buffer.from(head + date), body]);
const END = Buffer.from("\r\n\r\n");

const server = new TcpServer({
  delivery: "borrow",
  onReceive(connection, bytes) {
    for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, at + 4)) {
      connection.send(answer);
    }
  },
});
await server.listen({ host: "127.0.0.1" });
console.log(`READY ${server.port}`);
