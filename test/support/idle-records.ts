/** Records of TLS that bring no data, as a peer with an OpenSSL of its own can make them. */
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
