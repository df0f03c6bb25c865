/**
 * The client's part of SOCKS 5 (RFC 1928), with name and password (RFC 1929), and of SOCKS 4 and 4a:
 * what is sent, and what comes back until the tunnel is made.
 *
 *     5:  methods ──► method ──► [name, password ──► status] ──► request ──► reply
 *     4:  request ──► reply
 *
 * Names are looked up at the proxy. A fault names no name, password or user.
 */
import { Buffer } from "node:buffer";
import { parseIp } from "../../bytes/ip-bytes.js";
import { invalidArgument, NetError, type NetErrorCode } from "../../errors.js";
import { ShortMessage } from "./short-message.js";
import {
  ANY_ADDRESS,
  assertName,
  encodeAddress,
  readAddress,
  type SocksAddress,
} from "./socks-address.js";
import { meaningOfReply, meaningOfReply4, REPLY, REPLY4 } from "./socks-reply.js";

/** Name and password for a proxy, 1 to 255 bytes each. */
export interface SocksCredentials {
  readonly username: string;
  readonly password: string;
}

/** Gets what a client's handshake does. */
export interface SocksClientSink {
  /** These bytes are to be sent to the proxy. */
  handshakeSends(bytes: Buffer): void;
  /** The tunnel is made. `bound`: what the proxy says of its own end. */
  handshakeDone(bound: SocksAddress): void;
  /** There is no tunnel. Last. */
  handshakeFailed(error: NetError): void;
}

/** Commands (RFC 1928 §4). */
export const COMMAND = { connect: 1, bind: 2, associate: 3 } as const;

/** Methods of authentication (RFC 1928 §3). */
export const METHOD = { none: 0, password: 2, unacceptable: 255 } as const;

const VERSION5 = 5;
const VERSION4 = 4;
const PASSWORD_VERSION = 1;
const MAX_CREDENTIAL_BYTES = 255;
const RESPONSE4_BYTES = 8;

type Step = "method" | "status" | "reply" | "over";

/** One handshake of SOCKS 5. */
export class Socks5Client {
  private step: Step = "method";
  private readonly message = new ShortMessage();
  private readonly request: Buffer;
  private readonly credentials: Buffer | undefined;

  /**
   * `command`: `COMMAND.connect`, to `target`, or `COMMAND.associate`, which UDP begins with. Throws
   * `INVALID_ARGUMENT` for what can't be sent.
   */
  constructor(
    target: SocksAddress,
    credentials?: SocksCredentials,
    command: number = COMMAND.connect,
  ) {
    this.request = Buffer.concat([Buffer.from([VERSION5, command, 0]), encodeAddress(target)]);
    this.credentials = credentials === undefined ? undefined : passwordMessage(credentials);
  }

  /** What is sent first. */
  begin(): Buffer {
    return this.credentials === undefined
      ? Buffer.from([VERSION5, 1, METHOD.none])
      : Buffer.from([VERSION5, 2, METHOD.none, METHOD.password]);
  }

  /** Takes bytes of the proxy's; returns how many. What is behind the last reply is the tunnel's. */
  feed(bytes: Buffer, sink: SocksClientSink): number {
    let taken = 0;
    while (this.step !== "over" && taken < bytes.length) {
      taken += this.feedStep(bytes.subarray(taken), sink);
    }
    return taken;
  }

  private feedStep(bytes: Buffer, sink: SocksClientSink): number {
    const all = this.message.with(bytes);
    if (all.length < 2) return this.message.keep(all);
    if (this.step === "reply") return this.readReply(all, sink);
    const taken = this.message.complete(2);
    if (this.step === "method") this.readMethod(all, sink);
    else this.readStatus(all, sink);
    return taken;
  }

  private readMethod(all: Buffer, sink: SocksClientSink): void {
    const method = all[1];
    if (all[0] !== VERSION5) {
      this.fail(sink, "PROXY_MALFORMED", `the proxy speaks version ${all[0]}, not SOCKS 5`);
    } else if (method === METHOD.none) this.sendRequest(sink);
    else if (method === METHOD.password && this.credentials !== undefined) {
      this.step = "status";
      sink.handshakeSends(this.credentials);
    } else if (method === METHOD.unacceptable) {
      const text =
        this.credentials === undefined
          ? "the proxy wants a name and a password"
          : "the proxy takes no name and password";
      this.fail(sink, "PROXY_AUTHENTICATION", text);
    } else {
      const text = `the proxy chose method ${method}, which was not offered (RFC 1928 §3)`;
      this.fail(sink, "PROXY_MALFORMED", text);
    }
  }

  private readStatus(all: Buffer, sink: SocksClientSink): void {
    if (all[0] !== PASSWORD_VERSION) {
      const text = `the proxy's status has version ${all[0]}, not ${PASSWORD_VERSION} (RFC 1929 §2)`;
      this.fail(sink, "PROXY_MALFORMED", text);
    } else if (all[1] === 0) this.sendRequest(sink);
    else this.fail(sink, "PROXY_AUTHENTICATION", "the proxy did not accept name and password");
  }

  private sendRequest(sink: SocksClientSink): void {
    this.step = "reply";
    sink.handshakeSends(this.request);
  }

  private readReply(all: Buffer, sink: SocksClientSink): number {
    const reply = all[1]!;
    if (all[0] !== VERSION5) {
      this.fail(sink, "PROXY_MALFORMED", `the proxy's reply has version ${all[0]}, not 5`);
      return this.message.complete(all.length);
    }
    // Some proxies send no address with a refusal, and close.
    if (reply !== REPLY.succeeded) {
      const [code, text] = meaningOfReply(reply);
      this.fail(sink, code, text);
      return this.message.complete(all.length);
    }
    const read = readAddress(all, 3);
    if (read === undefined) return this.message.keep(all);
    if (read === "unknown") {
      const text = `the proxy's reply has an address of type ${all[3]} (RFC 1928 §6)`;
      this.fail(sink, "PROXY_MALFORMED", text);
      return this.message.complete(all.length);
    }
    this.step = "over";
    const taken = this.message.complete(read.end);
    sink.handshakeDone(read.address);
    return taken;
  }

  private fail(sink: SocksClientSink, code: NetErrorCode, text: string): void {
    this.step = "over";
    sink.handshakeFailed(new NetError(code, text, { operation: "connect" }));
  }
}

/** One handshake of SOCKS 4, or of 4a where the target has a name or an IPv6 address. */
export class Socks4Client {
  private readonly message = new ShortMessage();
  private readonly request: Buffer;
  private isOver = false;

  /** `user`: the id that the request carries, up to 255 bytes. Throws `INVALID_ARGUMENT`. */
  constructor({ host, port }: SocksAddress, user = "") {
    if (Buffer.byteLength(user) > MAX_CREDENTIAL_BYTES || user.includes("\0")) {
      throw invalidArgument(
        `the user of a SOCKS 4 proxy must be at most ${MAX_CREDENTIAL_BYTES} bytes without NUL`,
      );
    }
    const ip = parseIp(host);
    const isIpv4 = ip?.length === 4;
    if (!isIpv4) assertName(host);
    this.request = Buffer.concat([
      Buffer.from([VERSION4, COMMAND.connect, port >> 8, port & 0xff]),
      isIpv4 ? ip : Buffer.from([0, 0, 0, 1]),
      Buffer.from(`${user}\0`, "utf8"),
      isIpv4 ? Buffer.alloc(0) : Buffer.from(`${host}\0`, "latin1"),
    ]);
  }

  /** What is sent first, and all. */
  begin(): Buffer {
    return this.request;
  }

  /** See {@link Socks5Client.feed}. */
  feed(bytes: Buffer, sink: SocksClientSink): number {
    if (this.isOver) return 0;
    const all = this.message.with(bytes);
    if (all.length < 2) return this.message.keep(all);
    const reply = all[1]!;
    if (all[0] !== 0) {
      this.fail(
        sink,
        "PROXY_MALFORMED",
        `the proxy's reply has version ${all[0]}, not 0 (SOCKS 4)`,
      );
    } else if (reply !== REPLY4.granted) {
      const [code, text] = meaningOfReply4(reply);
      this.fail(sink, code, text);
    } else if (all.length < RESPONSE4_BYTES) return this.message.keep(all);
    else {
      this.isOver = true;
      const taken = this.message.complete(RESPONSE4_BYTES);
      const host = all.subarray(4, RESPONSE4_BYTES).join(".");
      sink.handshakeDone({ host, port: all.readUInt16BE(2) });
      return taken;
    }
    return this.message.complete(all.length);
  }

  private fail(sink: SocksClientSink, code: NetErrorCode, text: string): void {
    this.isOver = true;
    sink.handshakeFailed(new NetError(code, text, { operation: "connect" }));
  }
}

/** Association for UDP (RFC 1928 §7): where we send from is not known yet. */
export function associate(credentials?: SocksCredentials): Socks5Client {
  return new Socks5Client(ANY_ADDRESS, credentials, COMMAND.associate);
}

function passwordMessage({ username, password }: SocksCredentials): Buffer {
  const parts = [Buffer.from(username, "utf8"), Buffer.from(password, "utf8")] as const;
  for (const [index, part] of parts.entries()) {
    if (part.length > 0 && part.length <= MAX_CREDENTIAL_BYTES) continue;
    const name = index === 0 ? "username" : "password";
    throw invalidArgument(
      `the ${name} for a SOCKS 5 proxy must be 1 to ${MAX_CREDENTIAL_BYTES} bytes, not ${part.length}`,
    );
  }
  const [name, secret] = parts;
  return Buffer.concat([
    Buffer.from([PASSWORD_VERSION, name.length]),
    name,
    Buffer.from([secret.length]),
    secret,
  ]);
}
