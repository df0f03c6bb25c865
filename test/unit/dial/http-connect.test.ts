import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpConnect } from "#src/dial/http-connect.js";

describe("HttpConnect", () => {
  it("keeps no more memory than its request takes, and keeps it apart from that of others", () => {
    const first = new HttpConnect("a.example:443", "Basic YTpi");
    const second = new HttpConnect("b.example:443", undefined);
    for (const [connect, host] of [
      [first, "a.example"],
      [second, "b.example"],
    ] as const) {
      const request = connect.begin();
      assert.ok(request.toString().startsWith(`CONNECT ${host}:443 HTTP/1.1\r\n`));
      assert.equal(request.buffer.byteLength, request.length);
    }
  });
});
