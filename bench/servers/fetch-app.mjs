// An application made with Hono: text, JSON of 1 KiB, an upload that is counted, a stream of 16 pieces.
import { Hono } from "hono";

const line = "All happy families are alike; each other one is so in its own way";
const lines = Array.from({ length: 10 }, (_, id) => ({ id, line, read: false }));
const piece = new Uint8Array(1024).fill(0x78);

export const app = new Hono();
app.get("/text", (context) => context.text("Hello, World!"));
app.get("/json", (context) => context.json(lines));
app.post("/upload", async (context) => {
  const { byteLength } = await context.req.arrayBuffer();
  return context.text(String(byteLength));
});
app.get("/stream", () => new Response(pieces(16), { headers: { "Content-Type": "text/plain" } }));

function pieces(count) {
  let left = count;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
}
