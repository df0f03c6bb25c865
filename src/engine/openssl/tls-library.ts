/** What all sessions of a thread have in common, and the contexts that are ready for them. */
import type { SecureContext } from "node:tls";
import { BusySessions } from "./busy-sessions.js";
import { CipherPort } from "./cipher-port.js";
import { contextAddress } from "./native-context.js";
import type { OpenSsl } from "./openssl-functions.js";
import { SessionCalls } from "./session-calls.js";

const SET_SERVER_NAME_CALL = 53;

/** Commands and bits of modes. */
export const SET_MODE = 33;
export const CLEAR_MODE = 78;
/** Buffers of 16 KiB and more are given back while they are empty. */
export const MODE_RELEASE_BUFFERS = 0x10;
/** A read goes on behind records that bring nothing; without, it tells of each. */
const MODE_AUTO_RETRY = 0x4;

/** A list of application protocols as OpenSSL takes it (RFC 7301 §3.1). */
export interface ProtocolList {
  readonly bytes: Uint8Array;
  readonly address: number;
}

/** What the sessions of a thread have in common. */
export class TlsLibrary {
  readonly functions: OpenSsl;
  readonly port: CipherPort;
  readonly calls: SessionCalls;
  readonly busy: BusySessions = new BusySessions();
  private readonly ready: WeakMap<SecureContext, number> = new WeakMap();
  private readonly lists: WeakMap<readonly string[], ProtocolList> = new WeakMap();

  constructor(functions: OpenSsl) {
    this.functions = functions;
    this.port = new CipherPort(functions);
    this.calls = new SessionCalls(functions);
  }

  /** The SSL_CTX of a server's context. */
  serverContext(context: SecureContext): number {
    return this.prepared(context, (address) => {
      const { calls, functions } = this;
      functions.contextSetNewSession(address, 0);
      functions.contextSetAlpnSelect(address, calls.protocol, 0);
      // Takes the server name: who has it asks for it later.
      functions.contextSetCall(address, SET_SERVER_NAME_CALL, functions.agreeing);
    });
  }

  /** The SSL_CTX of a client's context. */
  clientContext(context: SecureContext): number {
    return this.prepared(context, (address) => {
      this.functions.contextSetNewSession(address, this.calls.newSession);
    });
  }

  /** Node's own calls look for an object of its own behind each SSL: they are taken out first. */
  private prepared(context: SecureContext, prepare: (address: number) => void): number {
    const known = this.ready.get(context);
    if (known !== undefined) return known;
    const address = contextAddress(context);
    const { functions } = this;
    functions.contextSetGetSession(address, 0);
    functions.contextControl(address, SET_MODE, MODE_RELEASE_BUFFERS, 0);
    functions.contextControl(address, CLEAR_MODE, MODE_AUTO_RETRY, 0);
    prepare(address);
    this.ready.set(context, address);
    return address;
  }

  /** The same for the same array. */
  protocolList(protocols: readonly string[]): ProtocolList {
    const known = this.lists.get(protocols);
    if (known !== undefined) return known;
    const names = protocols.map((name) => Buffer.from(name));
    const byteCount = names.reduce((sum, name) => sum + 1 + name.length, 0);
    const bytes = new Uint8Array(new ArrayBuffer(byteCount));
    let at = 0;
    for (const name of names) {
      bytes[at] = name.length;
      bytes.set(name, at + 1);
      at += 1 + name.length;
    }
    const list = { bytes, address: this.functions.addressOf(bytes) };
    this.lists.set(protocols, list);
    return list;
  }
}
