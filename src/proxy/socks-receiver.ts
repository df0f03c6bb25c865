/** A client that speaks SOCKS: from its first byte to the tunnel. */
import type { CloseReason } from "../connection/close-reason.js";
import { DUE, HOLD, type Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { NetError, type NetErrorCode } from "../errors.js";
import type { SocksAddress } from "../protocol/socks/socks-address.js";
import { COMMAND, METHOD, type SocksCredentials } from "../protocol/socks/socks-client.js";
import { REPLY, type Reply } from "../protocol/socks/socks-reply.js";
import {
  type SocksRequest,
  SocksServer,
  type SocksServerSink,
} from "../protocol/socks/socks-server.js";
import { type TunnelMaker, targetText } from "./tunnel-maker.js";

/** The reply for each error; "general failure" for any other. */
const REPLIES: Partial<Record<NetErrorCode, Reply>> = {
  ADDRESS_REFUSED: REPLY.notAllowed,
  REFUSED: REPLY.notAllowed,
  HOST_NOT_FOUND: REPLY.hostUnreachable,
  RESOLVE_FAILED: REPLY.hostUnreachable,
  HOST_UNREACHABLE: REPLY.hostUnreachable,
  CONNECT_TIMEOUT: REPLY.hostUnreachable,
  SYSTEM_TIMEOUT: REPLY.hostUnreachable,
  CONNECTION_REFUSED: REPLY.refused,
};

/** One handshake. */
export class SocksReceiver implements Receiver, SocksServerSink {
  private readonly connection: StreamConnection;
  private readonly maker: TunnelMaker;
  private readonly socks: SocksServer = new SocksServer();
  private readonly leaving: AbortController = new AbortController();
  private user: string | undefined = undefined;

  /** `timeoutMs`: for the handshake, without the connecting; 0: no limit. */
  constructor(connection: StreamConnection, maker: TunnelMaker, timeoutMs: number) {
    this.connection = connection;
    this.maker = maker;
    if (timeoutMs === 0) return;
    connection.onDue = () => {
      const text = `the handshake of SOCKS was not complete within headTimeoutMs (${timeoutMs})`;
      connection.fail(new NetError("HANDSHAKE_TIMEOUT", text, { operation: "handshake" }));
    };
    connection.deadlines.set(DUE.protocol, timeoutMs);
  }

  received(bytes: Buffer): number {
    return this.socks.feed(bytes, this);
  }

  ended(): void {
    this.connection.close();
  }

  drained(): void {
    // Replies are short.
  }

  closed(_reason: CloseReason): void {
    this.leaving.abort();
  }

  // — the handshake —

  socksMethods(methods: readonly number[]): void {
    const wanted = this.maker.authenticator === undefined ? "none" : "password";
    const isOffered = methods.includes(METHOD[wanted]);
    this.connection.sendBytes(this.socks.chooseMethod(isOffered ? wanted : "unacceptable"));
    if (isOffered) return;
    this.tellUnknown(undefined);
    this.connection.close();
  }

  socksCredentials({ username, password }: SocksCredentials): void {
    const isRight = this.accepts(username, password);
    if (typeof isRight === "boolean") {
      this.answer(isRight, username);
      return;
    }
    this.connection.hold(HOLD.upgrade);
    Promise.resolve(isRight).then(
      (answer) => this.answer(answer === true, username),
      () => this.answer(false, username),
    );
  }

  private accepts(username: string, password: string): boolean | Promise<boolean> {
    const { connection, maker, leaving } = this;
    const client = connection.remoteAddress?.host;
    try {
      return maker.authenticator?.accepts(username, password, client, leaving.signal) ?? false;
    } catch {
      return false;
    }
  }

  private answer(isRight: boolean, username: string): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    if (isRight) this.user = username;
    connection.sendBytes(this.socks.answerCredentials(isRight));
    if (isRight) connection.release(HOLD.upgrade);
    else {
      this.tellUnknown(username);
      connection.close();
    }
  }

  /** The client has not authenticated. */
  private tellUnknown(user: string | undefined): void {
    this.tellRefusal(
      new NetError("PROXY_AUTHENTICATION", "the client did not prove who it is"),
      user,
    );
  }

  private tellRefusal(error: NetError, user: string | undefined, target = ""): void {
    const client = this.connection.remoteAddress?.host;
    const protocol = `socks${this.socks.version}` as const;
    this.maker.refused({ protocol, client, user }, target, error);
  }

  socksRequest({ version, command, target, user }: SocksRequest): void {
    const { connection, maker } = this;
    connection.hold(HOLD.upgrade);
    connection.deadlines.clear(DUE.protocol);
    // SOCKS 4 has a name without a password.
    const isUnknown = version === 4 && maker.authenticator !== undefined;
    const known = this.user ?? (user === "" ? undefined : user);
    if (isUnknown) {
      this.tellUnknown(known);
      this.refuse(REPLY.notAllowed);
    } else if (command === COMMAND.connect) void this.connect(version, target, known);
    else if (version === 5 && command === COMMAND.associate) void this.associate(target, known);
    else {
      const error = new NetError("NOT_SUPPORTED", `command ${command} of SOCKS is not known here`);
      this.tellRefusal(error, known, targetText(target));
      this.refuse(REPLY.commandUnknown);
    }
  }

  private async connect(
    version: 4 | 5,
    target: SocksAddress,
    user: string | undefined,
  ): Promise<void> {
    const { connection, maker } = this;
    const client = connection.remoteAddress?.host;
    const call = { protocol: `socks${version}` as const, client, user, ...target };
    const made = await maker.connect(call, this.leaving.signal);
    if (made.error !== undefined) {
      this.refuse(REPLIES[made.error.code] ?? REPLY.failed);
      return;
    }
    if (!connection.isOpen) {
      made.upstream.abort();
      made.gone();
      return;
    }
    const { host = "0.0.0.0", port = 0 } = made.upstream.localAddress ?? {};
    connection.sendBytes(this.socks.replyBytes(REPLY.succeeded, { host: plain(host), port }));
    made.begin(connection);
  }

  private async associate(target: SocksAddress, user: string | undefined): Promise<void> {
    const { connection, maker, socks } = this;
    // Datagrams come from the connection's address, which a Unix-domain socket does not have.
    const client = connection.stream.remoteAddress()?.host;
    if (client === undefined) {
      this.refuse(REPLY.commandUnknown);
      return;
    }
    const call = { protocol: "udp" as const, client, user, ...target };
    const relay = await maker.associate(call, connection, this.leaving.signal);
    if (relay instanceof NetError) this.refuse(REPLIES[relay.code] ?? REPLY.failed);
    else if (connection.isOpen) {
      connection.sendBytes(
        socks.replyBytes(REPLY.succeeded, { ...relay, host: plain(relay.host) }),
      );
    }
  }

  private refuse(reply: Reply): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    connection.sendBytes(this.socks.replyBytes(reply));
    connection.close();
  }

  socksFailed(error: NetError, reply: Buffer | undefined): void {
    this.tellRefusal(error, this.user);
    if (reply === undefined) {
      this.connection.fail(error);
      return;
    }
    this.connection.sendBytes(reply);
    this.connection.close();
  }
}

/** SOCKS has no zones. */
function plain(host: string): string {
  return host.replace(/%.*$/, "");
}
