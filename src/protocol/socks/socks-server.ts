/**
 * The proxy's part of SOCKS 5 (RFC 1928, 1929), 4 and 4a, which the first byte tells apart. It reads what a client
 * asks for, step by step; its owner decides, and replies with the messages that are made here.
 *
 *     5:  methods ──► chooseMethod ──► [credentials ──► answerCredentials] ──► request ──► replyBytes
 *     4:  request ──► replyBytes
 *
 * Feeding stops behind each message until it is answered, so that nothing is read ahead of a decision.
 */
import { Buffer } from "node:buffer";
import { parseIp } from "../../bytes/ip-bytes.js";
import { NetError } from "../../errors.js";
import { MAX_MESSAGE_BYTES, ShortMessage } from "./short-message.js";
import {
  ANY_ADDRESS,
  encodeAddress,
  isName,
  readAddress,
  type SocksAddress,
} from "./socks-address.js";
import { METHOD, type SocksCredentials } from "./socks-client.js";
import { REPLY, REPLY4, type Reply } from "./socks-reply.js";

/** What a client asks for. */
export interface SocksRequest {
  readonly version: 4 | 5;
  /** One of `COMMAND`, or another number. */
  readonly command: number;
  readonly target: SocksAddress;
  /** The user id of SOCKS 4; empty in SOCKS 5. */
  readonly user: string;
}

/** Gets what a client sends. */
export interface SocksServerSink {
  /** The client offers these methods. Answer by {@link SocksServer.chooseMethod}. */
  socksMethods(methods: readonly number[]): void;
  /** Name and password. Answer by {@link SocksServer.answerCredentials}. */
  socksCredentials(credentials: SocksCredentials): void;
  /** What it asks for: the last that is read. Answer by {@link SocksServer.replyBytes}. */
  socksRequest(request: SocksRequest): void;
  /** It sent what SOCKS does not allow. Last. `reply`: what can be sent before the connection ends. */
  socksFailed(error: NetError, reply: Buffer | undefined): void;
}

/** A user's name that has these could forge a line of a log. */
const CONTROLS = /\p{Cc}/u;

type Step = "version" | "methods" | "credentials" | "request" | "waiting" | "over";

/** One handshake with a client. */
export class SocksServer {
  private step: Step = "version";
  /** Of SOCKS, as the client's first byte has it. */
  version: 4 | 5 = 5;
  private readonly message = new ShortMessage();

  /** Takes bytes of the client's; returns how many. What is behind the request is for the tunnel. */
  feed(bytes: Buffer, sink: SocksServerSink): number {
    let taken = 0;
    while (this.isReading && taken < bytes.length) {
      const all = this.message.with(bytes.subarray(taken));
      const length = this.lengthOf(all, sink);
      // A fault ends the handshake: the rest is discarded.
      if (!this.isReading) return bytes.length;
      if (length === undefined) return taken + this.message.keep(all);
      taken += this.message.complete(length);
      this.read(all.subarray(0, length), sink);
    }
    return taken;
  }

  private get isReading(): boolean {
    return this.step !== "waiting" && this.step !== "over";
  }

  /** Bytes of the message that `all` begins with; undefined while some are missing. */
  private lengthOf(all: Buffer, sink: SocksServerSink): number | undefined {
    if (this.step === "version") {
      const version = all[0];
      if (version !== 4 && version !== 5) {
        this.fail(sink, `version ${version} is neither SOCKS 4 nor 5`);
        return undefined;
      }
      this.version = version;
      this.step = version === 5 ? "methods" : "request";
    }
    if (this.step === "methods") return whole(all, 2 + (all[1] ?? Number.POSITIVE_INFINITY));
    if (this.step === "credentials") return this.lengthOfCredentials(all, sink);
    return this.version === 5 ? this.lengthOfRequest(all, sink) : this.lengthOfRequest4(all, sink);
  }

  private lengthOfCredentials(all: Buffer, sink: SocksServerSink): number | undefined {
    if (all[0] !== 1) {
      this.fail(sink, `the name and password have version ${all[0]}, not 1 (RFC 1929 §2)`);
      return undefined;
    }
    const nameEnd = 2 + (all[1] ?? Number.POSITIVE_INFINITY);
    return whole(all, nameEnd + 1 + (all[nameEnd] ?? Number.POSITIVE_INFINITY));
  }

  private lengthOfRequest(all: Buffer, sink: SocksServerSink): number | undefined {
    if (all[0] !== 5) {
      this.fail(sink, `the request has version ${all[0]}, not 5 (RFC 1928 §4)`);
      return undefined;
    }
    const read = readAddress(all, 3);
    if (read !== "unknown") return read?.end;
    const text = `an address of type ${all[3]}, or without a name of visible ASCII (RFC 1928 §5)`;
    this.fail(sink, text, this.replyBytes(REPLY.addressTypeUnknown));
    return undefined;
  }

  /** `4 · command · port u16 · address · user · 0 [· name · 0]`, the name where the address is 0.0.0.x. */
  private lengthOfRequest4(all: Buffer, sink: SocksServerSink): number | undefined {
    if (all.length < 9) return undefined;
    const userEnd = all.indexOf(0, 8);
    const end = userEnd === -1 || !hasName4(all) ? userEnd : all.indexOf(0, userEnd + 1);
    if (end !== -1) return end + 1;
    if (all.length < MAX_MESSAGE_BYTES) return undefined;
    const text = `a request of more than ${MAX_MESSAGE_BYTES} bytes`;
    this.fail(sink, text, this.replyBytes(REPLY.failed));
    return undefined;
  }

  private read(message: Buffer, sink: SocksServerSink): void {
    const { step } = this;
    this.step = "waiting";
    if (step === "methods") sink.socksMethods([...message.subarray(2)]);
    else if (step === "credentials") {
      const nameEnd = 2 + message[1]!;
      const username = message.toString("utf8", 2, nameEnd);
      const password = message.toString("utf8", nameEnd + 1);
      if (CONTROLS.test(username)) {
        this.fail(sink, "a user name with control characters", this.answerCredentials(false));
      } else sink.socksCredentials({ username, password });
    } else if (this.version === 5) {
      const { address } = readAddress(message, 3) as { readonly address: SocksAddress };
      sink.socksRequest({ version: 5, command: message[1]!, target: address, user: "" });
    } else this.readRequest4(message, sink);
  }

  private readRequest4(message: Buffer, sink: SocksServerSink): void {
    const userEnd = message.indexOf(0, 8);
    const port = message.readUInt16BE(2);
    const name = hasName4(message)
      ? message.toString("latin1", userEnd + 1, message.length - 1)
      : "";
    const user = message.toString("utf8", 8, userEnd);
    if ((hasName4(message) && !isName(name)) || CONTROLS.test(user)) {
      const text =
        "a request without a name of visible ASCII, or with a user of control characters";
      this.fail(sink, `${text} (SOCKS 4a)`, this.replyBytes(REPLY.failed));
      return;
    }
    const host = hasName4(message) ? name : message.subarray(4, 8).join(".");
    sink.socksRequest({ version: 4, command: message[1]!, target: { host, port }, user });
  }

  private fail(sink: SocksServerSink, text: string, reply?: Buffer): void {
    this.step = "over";
    sink.socksFailed(new NetError("PROXY_MALFORMED", text, { operation: "receive" }), reply);
  }

  /** The answer to the methods: no authentication, a name and password, or none of them. */
  chooseMethod(method: "none" | "password" | "unacceptable"): Buffer {
    this.step = method === "none" ? "request" : method === "password" ? "credentials" : "over";
    return Buffer.from([5, METHOD[method]]);
  }

  /** The answer to name and password. */
  answerCredentials(isAccepted: boolean): Buffer {
    this.step = isAccepted ? "request" : "over";
    return Buffer.from([1, isAccepted ? 0 : 1]);
  }

  /** The answer to the request; with `REPLY.succeeded` the tunnel begins behind it. */
  replyBytes(reply: Reply, bound: SocksAddress = ANY_ADDRESS): Buffer {
    this.step = "over";
    if (this.version === 5) {
      return Buffer.concat([Buffer.from([5, reply, 0]), encodeAddress(bound)]);
    }
    const granted = reply === REPLY.succeeded;
    const ip = parseIp(bound.host);
    return Buffer.concat([
      Buffer.from([
        0,
        granted ? REPLY4.granted : REPLY4.rejected,
        bound.port >> 8,
        bound.port & 0xff,
      ]),
      ip?.length === 4 ? ip : Buffer.alloc(4),
    ]);
  }
}

/** 0.0.0.x with x above 0: a name follows the user. */
function hasName4(message: Buffer): boolean {
  return message[4] === 0 && message[5] === 0 && message[6] === 0 && message[7] !== 0;
}

function whole(all: Buffer, length: number): number | undefined {
  return length <= all.length ? length : undefined;
}
