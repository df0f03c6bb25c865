/** TLS of a stream of the ring, over an OpenSSL that only answers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noStreamSink } from "#src/engine/no-sink.js";
import { TlsServerContext } from "#src/engine/tls/tls-server-context.js";
import { MAX_ANSWER_BYTES } from "#src/engine/tls/unread-answers.js";
import type { UringLoop } from "#src/engine/uring/ring/uring-loop.js";
import type { CipherStream } from "#src/engine/uring/tls/cipher-stream.js";
import { StreamSecurity } from "#src/engine/uring/tls/stream-security.js";
import type { NetError } from "#src/errors.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import { systemClock } from "#src/time/clock.js";

const ANSWER_BYTES = 100_000;
const WANT_READ = 2;

/** What every function of OpenSSL answers that is not named: a pointer, or success. */
const answers: Readonly<Record<string, number>> = { sslHandshake: -1, sslError: WANT_READ };
const functions: unknown = new Proxy(
  {},
  { get: (_none, name) => () => answers[String(name)] ?? 1 },
);

const loop: unknown = {
  buffers: { handOver: () => {}, addressOf: () => 1, giveBack: () => {} },
  ring: { submitEarly: () => {} },
  security: {
    library: {
      functions,
      calls: {},
      serverContext: () => 1,
      port: {
        attach: () => {},
        feed: () => {},
        leftBytes: 0,
        outputBytes: ANSWER_BYTES,
        take: () => {},
      },
    },
  },
};

describe("TLS of a stream", () => {
  it("ends a peer that is owed more answers than it reads", () => {
    const errors: NetError[] = [];
    const stream: CipherStream = {
      sink: noStreamSink,
      isSending: true,
      isClosing: false,
      peerText: "",
      sendCipher: () => {},
      finishCipher: () => {},
      pauseCipher: () => {},
      resumeCipher: () => {},
      failCipher: (error) => void errors.push(error),
    };
    const context = new TlsServerContext(selfSignedCertificate(), systemClock);
    const security = new StreamSecurity(stream, loop as UringLoop, context, false);
    security.begin(undefined);

    security.received(0, 10);
    security.received(0, 10);
    const before = errors.length;
    security.received(0, 10);

    assert.equal(before, 0);
    assert.equal(errors[0]?.code, "TLS_FAILED");
    assert.match(errors[0]?.message ?? "", new RegExp(`${MAX_ANSWER_BYTES} bytes`));
  });
});
