// The same as http-server.mjs by uWebSockets.js, whose package carries its programs. Prints `READY PORT`.
import uws from "uwebsockets";
import { answerMemory } from "./memory-answer.mjs";

const large = Buffer.alloc(1_048_576, "x");
const answer = (response, body) => response.writeHeader("Content-Type", "text/plain").end(body);

uws
  .App()
  .post("/*", (response) => {
    const pieces = [];
    response.onAborted(() => {});
    response.onData((bytes, isLast) => {
      // Its memory is lent for the call.
      pieces.push(Buffer.from(bytes.slice(0)));
      if (isLast) answer(response, String(Buffer.concat(pieces).length));
    });
  })
  .get("/large", (response) => answer(response, large))
  .get("/*", (response) => answer(response, "Hello, World!"))
  .listen("127.0.0.1", 0, (socket) => {
    console.log(`READY ${uws.us_socket_local_port(socket)}`);
  });
answerMemory();
