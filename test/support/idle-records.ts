/** Records of TLS that are not asked for, as a peer with an OpenSSL of its own can make them. */
import { loadKoffi } from "#src/engine/koffi.js";
import type { SessionEnd } from "./tls-session-pair.js";

const NO_RENEGOTIATION = 0x4000_0000;

type Call = (...args: readonly number[]) => number;

function foreign(prototype: string): Call {
  return loadKoffi().load(null).func(prototype) as Call;
}

function sslOf({ session }: SessionEnd): number {
  return Reflect.get(session, "ssl");
}

/** `count` times: asks OpenSSL for something, and lets it put that out. */
function putOut(end: SessionEnd, count: number, ask: (ssl: number) => number): Buffer {
  const ssl = sslOf(end);
  const records: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    if (ask(ssl) !== 1) throw new Error("OpenSSL does not do it");
    end.library.functions.sslHandshake(ssl);
    records.push(end.output());
  }
  end.library.functions.clearErrors();
  return Buffer.concat(records);
}

/** TLS 1.3: renewed keys (RFC 8446 §4.6.3); `areAnswered`: the other side has to renew its own. */
export function keyUpdates(end: SessionEnd, count: number, areAnswered: boolean): Buffer {
  const update = foreign("int SSL_key_update(intptr_t ssl, int kind)");
  return putOut(end, count, (ssl) => update(ssl, areAnswered ? 1 : 0));
}

/** TLS 1.3: tickets of a server (RFC 8446 §4.6.1). */
export function tickets(end: SessionEnd, count: number): Buffer {
  const ticket = foreign("int SSL_new_session_ticket(intptr_t ssl)");
  return putOut(end, count, (ssl) => ticket(ssl));
}

/** TLS 1.2: a server that wants to begin anew (RFC 5246 §7.4.1.1). */
export function helloRequests(end: SessionEnd, count: number): Buffer {
  const clear = foreign("uint64_t SSL_clear_options(intptr_t ssl, uint64_t options)");
  const again = foreign("int SSL_renegotiate(intptr_t ssl)");
  clear(sslOf(end), NO_RENEGOTIATION);
  return putOut(end, count, (ssl) => again(ssl));
}

/** TLS 1.3: a hello that resumes a session, and data behind it that nobody asked for (RFC 8446 §4.2.10). */
export function earlyData(end: SessionEnd, data: Buffer): Buffer {
  const sessionOf = foreign("intptr_t SSL_get_session(intptr_t ssl)");
  const allow = foreign("int SSL_SESSION_set_max_early_data(intptr_t session, uint32_t byteCount)");
  const write = foreign(
    "int SSL_write_early_data(intptr_t ssl, intptr_t from, size_t byteCount, intptr_t written)",
  );
  const { functions, port } = end.library;
  const session = sessionOf(sslOf(end));
  if (session === 0) throw new Error("there is no session to resume");
  allow(session, data.length);
  const records: Buffer[] = [];
  for (let at = 0; at < data.length; at += 16_384) {
    const part = data.subarray(at, at + 16_384);
    const isWritten = write(
      sslOf(end),
      functions.addressOf(part),
      part.length,
      port.scratchAddress,
    );
    if (isWritten !== 1) throw new Error("OpenSSL does not do it");
    records.push(end.output());
  }
  return Buffer.concat(records);
}
