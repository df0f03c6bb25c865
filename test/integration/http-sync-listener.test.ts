import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { HttpSyncClient, type HttpSyncClientOptions, type HttpSyncListener } from "hp-socket/http";
import { firstEngine } from "../support/engine-list.js";
import { httpSyncClient } from "../support/http-client-world.js";
import { scriptedPeer } from "../support/thread-peer.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ENDLESS = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin";

/** Writes down every event. */
function recorder(): { readonly log: string[]; readonly listener: Required<HttpSyncListener> } {
  const log: string[] = [];
  const note =
    (name: string) =>
    (...values: readonly unknown[]): void => {
      log.push([name, ...values.map(text)].join(" "));
    };
  const listener = {
    onPrepareConnect: note("prepare"),
    onConnect: note("connect"),
    onHandshake: note("handshake"),
    onSend: () => undefined,
    onMessageBegin: note("begin"),
    onStatusLine: note("status"),
    onHeader: note("header"),
    onHeadersComplete: note("head"),
    onBody: note("body"),
    onChunkHeader: note("chunk"),
    onChunkComplete: note("chunk end"),
    onTrailer: note("trailer"),
    onMessageComplete: note("complete"),
    onParseError: (error: { code: string; name: string }) => note(error.name)(error.code),
    onClose: (reason: { code: string; operation: string; initiator: string }) =>
      note("close")(reason.code, reason.operation, reason.initiator),
  };
  return { log, listener };
}

function text(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : JSON.stringify(value);
}

{
  const engine = firstEngine();
  const client = (test: TestContext, options: HttpSyncClientOptions) =>
    httpSyncClient(test, { engine, ...options });

  /** Who hears what the client tells that most of the tests share: it takes long to start. */
  let ears: HttpSyncListener = {};
  const shared = new HttpSyncClient({
    engine,
    requestTimeoutMs: 0,
    listener: Object.fromEntries(
      Object.keys(recorder().listener).map((name) => [
        name,
        (...values: unknown[]) => {
          const handler = ears[name as keyof HttpSyncListener];
          (handler as ((...values: unknown[]) => void) | undefined)?.(...values);
        },
      ]),
    ),
  });
  after(() => shared.close());

  /** The client that the tests share, heard by `listener` until the test ends. */
  const heard = (test: TestContext, listener: HttpSyncListener): HttpSyncClient => {
    ears = listener;
    test.after(() => {
      ears = {};
      shared.disconnect();
    });
    return shared;
  };

  describe("HttpSyncListener", () => {
    it("hears every event in its order, before the call returns", async (test) => {
      const chunks = "3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
      const head = "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n";
      const peer = await scriptedPeer(test, [
        { send: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${head}${chunks}` },
      ]);
      const { log, listener } = recorder();

      heard(test, listener).openUrl("GET", peer.origin);

      assert.deepEqual(log, [
        "prepare",
        "connect",
        "handshake",
        "begin",
        'status 103 "Early Hints" "HTTP/1.1"',
        'header "Link" "x"',
        'head 103 [["Link","x"]]',
        "complete",
        "begin",
        'status 200 "Fine" "HTTP/1.1"',
        'header "Transfer-Encoding" "chunked"',
        'head 200 [["Transfer-Encoding","chunked"]]',
        'chunk 3 ";x=y"',
        "body abc",
        "chunk end",
        'chunk 0 ""',
        'trailer "X-T" "1"',
        "chunk end",
        "complete",
      ]);
    });

    it("gets pieces of one byte joined, unless events come between them", async (test) => {
      const count = 10_000;
      const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
      const send = `${head}${"1\r\nx\r\n".repeat(count)}0\r\n\r\n`;
      const peer = await scriptedPeer(test, [{ send }, { send }]);
      let pieceCount = 0;
      let chunkCount = 0;

      const joined = client(test, { listener: { onBody: () => pieceCount++ } });
      const apart = heard(test, { onChunkHeader: () => chunkCount++ });

      assert.equal(joined.openUrl("GET", peer.origin).body.length, count);
      assert.ok(pieceCount < 200, `${pieceCount} calls for ${count} bytes`);
      assert.equal(apart.openUrl("GET", peer.origin).body.length, count);
      assert.equal(chunkCount, count + 1);
    });

    it("hears of what is no response, and of the end with its reason", async (test) => {
      const peer = await scriptedPeer(test, [{ send: "nonsense\r\n\r\n" }]);
      const { log, listener } = recorder();

      assert.throws(() => heard(test, listener).openUrl("GET", peer.origin), {
        code: "HTTP_MALFORMED",
      });

      assert.deepEqual(log.slice(-2), [
        'NetError "HTTP_MALFORMED"',
        'close "HTTP_MALFORMED" "receive" "remote"',
      ]);
    });

    it("hears at the beginning of a call what happened since the last", async (test) => {
      const last = `${OK.replace("Content", "Connection: close\r\nContent")}`;
      const peer = await scriptedPeer(test, [{ send: last, afterwards: "finish" }], [{ send: OK }]);
      const { log, listener } = recorder();
      const sync = heard(test, listener);

      sync.openUrl("GET", peer.origin);
      await peer.ended(1);
      const before = log.filter((line) => line.startsWith("close"));
      sync.get("/");

      assert.ok(before.length <= 1);
      assert.equal(log.filter((line) => line.startsWith("close")).length, 1);
      const [close, connect] = [
        log.findIndex((line) => line.startsWith("close")),
        log.lastIndexOf("connect"),
      ];
      assert.ok(close < connect);
    });

    for (const name of ["onConnect", "onStatusLine", "onHeadersComplete", "onBody"] as const) {
      it(`ends the call and the connection when ${name} throws, and the next call works`, async (test) => {
        const script = [{ send: ENDLESS }];
        const peer = await scriptedPeer(test, script, [{ send: OK }]);
        const { log, listener } = recorder();
        const cause = new Error("not this one");
        let isFirst = true;
        const failing: HttpSyncListener = {
          ...listener,
          [name]: () => {
            if (isFirst) {
              isFirst = false;
              throw cause;
            }
          },
        };
        const sync = heard(test, failing);

        assert.throws(() => sync.openUrl("GET", peer.origin), { code: "HANDLER_FAILED", cause });
        const countAtEnd = log.length;
        const next = sync.openUrl("GET", peer.origin);

        assert.equal(next.text(), "ok");
        assert.ok(!log.slice(0, countAtEnd).includes("complete"));
        assert.equal(log.filter((line) => line.startsWith("close")).length, 1);
        await peer.ended(1);
      });
    }

    it("can't make a call, and does no harm to the one under way by trying", async (test) => {
      const peer = await scriptedPeer(test, [
        {
          send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
        },
        { send: OK },
      ]);
      const codes: unknown[] = [];
      const attempt = (call: () => unknown): void => {
        try {
          call();
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      };
      const sync = heard(test, {
        onChunkComplete() {
          attempt(() => sync.openUrl("GET", "http://other.example/"));
          attempt(() => sync.connect("http://other.example/"));
          attempt(() => sync.disconnect());
        },
      });

      const first = sync.openUrl("GET", peer.origin).text();
      const second = sync.get("/").text();

      assert.deepEqual([first, second], ["ab", "ok"]);
      assert.deepEqual(new Set(codes), new Set(["INVALID_STATE"]));
    });

    it("can't make a call, and can close the client", async (test) => {
      const peer = await scriptedPeer(test, [{ send: ENDLESS }]);
      let inner: unknown;
      const sync = client(test, {
        requestTimeoutMs: 0,
        listener: {
          onHeadersComplete() {
            try {
              sync.get("/");
            } catch (error) {
              inner = (error as { code: string }).code;
            }
            sync.close();
          },
        },
      });

      assert.throws(() => sync.openUrl("GET", peer.origin), { code: "STOPPED" });

      assert.equal(inner, "INVALID_STATE");
    });
  });
}
