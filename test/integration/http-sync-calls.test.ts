import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it, type TestContext } from "node:test";
import {
  CookieStore,
  HttpSyncClient,
  type HttpSyncClientOptions,
  type SyncResponse,
} from "hp-socket/http";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { httpSyncClient } from "../support/http-client-world.js";
import { echoPeer, scriptedPeer } from "../support/thread-peer.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** The fields that an echo peer got. */
function fieldsOf(response: SyncResponse): Record<string, string> {
  return JSON.parse(response.headers.get("x-fields") ?? "{}") as Record<string, string>;
}

for (const engine of availableEngines()) {
  describe(`HttpSyncClient on ${engine}`, () => {
    it("asks with every method, and gets status, fields and body", async (test) => {
      const peer = await echoPeer(test);
      const sync = httpSyncClient(test, { engine }).connect(peer.origin);

      const answers = [
        sync.get("/a?b=c"),
        sync.post("/p", "text"),
        sync.put("/u", Uint8Array.of(0, 255, 10)),
        sync.patch("/t", new URLSearchParams({ a: "1 2" })),
        sync.delete("/d"),
        sync.options("/o"),
        sync.trace("/r"),
        sync.request({ method: "REPORT", path: "/x", body: new Uint8Array([1]).buffer }),
      ];

      assert.deepEqual(
        answers.map(({ headers }) => headers.get("X-Request")),
        [
          "GET /a?b=c",
          "POST /p",
          "PUT /u",
          "PATCH /t",
          "DELETE /d",
          "OPTIONS /o",
          "TRACE /r",
        ].concat("REPORT /x"),
      );
      assert.deepEqual(
        answers.map(({ body }) => body.toString("latin1")),
        ["", "text", "\x00\xff\n", "a=1+2", "", "", "", "\x01"],
      );
      assert.ok(answers.every(({ status, ok, statusText }) => status === 200 && ok && statusText));
      assert.equal(
        fieldsOf(answers[3]!)["content-type"],
        "application/x-www-form-urlencoded;charset=UTF-8",
      );
      assert.equal((await peer.report()).connectionCount, 1);
    });
  });
}

{
  const engine = firstEngine();
  const client = (test: TestContext, options: HttpSyncClientOptions = {}) =>
    httpSyncClient(test, { engine, ...options });

  /** Of the tests that need no options; a client takes long to start. */
  const common = new HttpSyncClient({ engine, requestTimeoutMs: 60_000 });
  const cookies = new CookieStore();
  /** Of the tests that need something of the client. */
  const equipped = new HttpSyncClient({
    engine,
    cookies,
    headers: { "X-Own": "client", "X-Both": "client" },
  });
  after(() => {
    common.close();
    equipped.close();
  });

  describe("HttpSyncClient: requests", () => {
    it("sends the fields of the call, and those of the client where the call has none", async (test) => {
      const peer = await echoPeer(test);

      const answer = equipped.openUrl("GET", `${peer.origin}/`, {
        "x-both": "call",
        "X-List": ["1", "2"],
      });

      const { "x-own": own, "x-both": both, "x-list": list } = fieldsOf(answer);
      assert.deepEqual([own, both, list], ["client", "call", "1, 2"]);
    });

    it("sends credentials of the URL, for openUrl and for the calls behind it", async (test) => {
      const peer = await echoPeer(test);
      const sync = common;

      const url = peer.origin.replace("//", "//me:p%40ss@");
      const answers = [
        sync.openUrl("GET", url),
        sync.get("/next"),
        sync.openUrl("GET", peer.origin),
      ];

      const basic = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
      assert.deepEqual(
        answers.map((answer) => fieldsOf(answer)["authorization"]),
        [basic, basic, undefined],
      );
    });

    it("gives no body to HEAD, 204 and 304, and uses the connection again", async (test) => {
      const peer = await scriptedPeer(test, [
        { send: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
        { send: "HTTP/1.1 204 No Content\r\n\r\n" },
        { send: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" },
        { send: OK },
      ]);
      const sync = common.connect(peer.origin);

      const answers = [sync.head("/"), sync.get("/"), sync.get("/"), sync.get("/")];

      assert.deepEqual(
        answers.map(({ status, body }) => [status, body.toString()]),
        [
          [200, ""],
          [204, ""],
          [304, ""],
          [200, "ok"],
        ],
      );
      assert.equal(answers[0]?.headers.get("content-length"), "5");
      assert.equal((await peer.report()).connectionCount, 1);
    });

    it("reads chunks with trailers, and bodies without length", async (test) => {
      const chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n";
      const peer = await scriptedPeer(
        test,
        [
          { send: `${chunked}0\r\nX-Sum: 3\r\n\r\n` },
          { send: "HTTP/1.1 200 OK\r\n\r\nto the end", afterwards: "finish" },
        ],
        [{ send: "HTTP/1.0 200 OK\r\n\r\nold", afterwards: "finish" }],
      );
      const sync = common.connect(peer.origin);

      const answers = [sync.get("/1"), sync.get("/2"), sync.get("/3")];

      assert.deepEqual(
        answers.map((answer) => answer.text()),
        ["abc", "to the end", "old"],
      );
      assert.deepEqual([...(answers[0]?.trailers ?? [])], [["X-Sum", "3"]]);
      assert.equal(answers[1]?.trailers, undefined);
    });

    it("passes over interim responses", async (test) => {
      const hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
      const peer = await scriptedPeer(test, [
        { send: `HTTP/1.1 100 Continue\r\n\r\n${hints}${OK}` },
      ]);

      const answer = common.openUrl("GET", peer.origin);

      assert.deepEqual(
        [answer.status, answer.text(), answer.headers.has("link")],
        [200, "ok", false],
      );
    });

    for (const [name, byteCount] of [
      ["no byte", 0],
      ["one byte", 1],
      ["5 MiB", 5 * 2 ** 20],
    ] as const) {
      it(`carries ${name} both ways`, async (test) => {
        const peer = await echoPeer(test);
        const body = randomBytes(byteCount);

        const answer = common.openUrl("POST", peer.origin, {}, body);

        assert.equal(fieldsOf(answer)["content-length"], String(byteCount));
        assert.ok(answer.body.equals(body));
        assert.equal(body.length, byteCount, "the caller's bytes are the caller's");
      });
    }

    it("gives the body as text and as JSON", async (test) => {
      const peer = await echoPeer(test);
      const sync = common.connect(peer.origin);

      const [good, bad] = [sync.post("/", '{"ü":[1]}'), sync.post("/", "no JSON")];

      assert.deepEqual(good.json(), { ü: [1] });
      assert.throws(() => bad.json(), { code: "HTTP_MALFORMED" });
    });

    it("follows no redirect and decodes nothing", async (test) => {
      const head = "Location: /b\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n";
      const peer = await scriptedPeer(test, [{ send: `HTTP/1.1 302 Found\r\n${head}zz` }]);

      const answer = common.openUrl("GET", peer.origin);

      assert.deepEqual([answer.status, answer.ok, answer.text()], [302, false, "zz"]);
      const request = (await peer.report()).requests[0]?.[0] ?? "";
      assert.doesNotMatch(request, /accept-encoding/i);
    });

    it("shares cookies with others, unless they are switched off", async (test) => {
      const set =
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n";
      const peer = await scriptedPeer(test, [
        { send: set },
        { send: OK },
        { send: set },
        { send: OK },
      ]);

      equipped.openUrl("GET", peer.origin);
      equipped.get("/with");
      equipped.useCookies = false;
      cookies.clear();
      equipped.get("/without");
      equipped.get("/without");

      const { requests } = await peer.report();
      const sent = requests[0]?.map((text) => /cookie: (.*)\r/i.exec(text)?.[1]);
      assert.deepEqual(sent, [undefined, "a=1; b=2", undefined, undefined]);
      assert.equal(cookies.list().length, 0);
    });

    it("goes through a proxy by the whole URL", async (test) => {
      const proxy = await scriptedPeer(test, [{ send: OK }]);

      const answer = client(test, { proxy: proxy.origin }).openUrl("GET", "http://far.example/x?y");

      assert.equal(answer.text(), "ok");
      assert.match(
        (await proxy.report()).requests[0]?.[0] ?? "",
        /^GET http:\/\/far\.example\/x\?y HTTP/,
      );
    });

    it("tells how long it took, and that a connection was used again", async (test) => {
      const peer = await echoPeer(test);
      const sync = common;

      const [first, second] = [sync.openUrl("GET", peer.origin), sync.get("/")];

      assert.deepEqual([first.timing.isReused, second.timing.isReused], [false, true]);
      assert.ok((first.timing.totalMs ?? -1) >= first.timing.firstByteMs);
      assert.equal(first.url, `${peer.origin}/`);
    });
  });

  describe("HttpSyncClient: connections", () => {
    it("keeps one for the same server, and makes a new one for another, or when told", async (test) => {
      const [one, two] = [await echoPeer(test), await echoPeer(test)];
      const sync = common;

      sync.openUrl("GET", `${one.origin}/a`);
      sync.openUrl("GET", `${one.origin.replace("http", "HTTP")}/b`);
      sync.openUrl("GET", `${one.origin}/c`, {}, undefined, { forceReconnect: true });
      sync.openUrl("GET", `${two.origin}/d`);
      await one.ended(2);

      assert.equal((await one.report()).connectionCount, 2);
      assert.equal((await two.report()).connectionCount, 1);
    });

    it("connects anew when the server has closed meanwhile, without an error", async (test) => {
      const peer = await scriptedPeer(
        test,
        [
          {
            send: `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok`,
            afterwards: "finish",
          },
        ],
        [{ send: OK }],
      );
      const sync = common.connect(peer.origin);

      const first = sync.get("/");
      await peer.ended(1);
      const second = sync.post("/", "not to be repeated by chance");

      assert.deepEqual([first.text(), second.text()], ["ok", "ok"]);
      assert.equal((await peer.report()).connectionCount, 2);
    });

    it("lets go of the connection with disconnect", async (test) => {
      const peer = await echoPeer(test);
      const sync = common.connect(peer.origin);

      sync.disconnect();
      await peer.ended(1);
      sync.disconnect();

      assert.throws(() => sync.get("/"), { code: "INVALID_STATE" });
      assert.equal(sync.openUrl("GET", peer.origin).status, 200);
    });

    it("works side by side with other clients of its kind", async (test) => {
      const peer = await echoPeer(test);
      const clients = [common, equipped];

      const bodies = clients.map((one, index) =>
        one.openUrl("POST", peer.origin, {}, String(index)).text(),
      );

      assert.deepEqual(bodies, ["0", "1"]);
      assert.equal((await peer.report()).connectionCount, 2);
    });

    it("ends with close, and with the end of a using block", async (test) => {
      const peer = await echoPeer(test);
      const sync = client(test).connect(peer.origin);

      sync.close();
      sync.close();
      await peer.ended(1);

      assert.throws(() => sync.get("/"), { code: "STOPPED" });
      assert.throws(() => sync.connect(peer.origin), { code: "STOPPED" });
      const other = client(test);
      other[Symbol.dispose]();
      assert.throws(() => other.connect(peer.origin), { code: "STOPPED" });
    });
  });
}
