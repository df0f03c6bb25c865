/** The engine over Node's own sockets. Runs everywhere. */
import { Socket, type TcpNetConnectOpts } from "node:net";
import { NetError } from "../../errors.js";
import { type Clock, systemClock } from "../../time/clock.js";
import { inRootContext } from "../../time/root-context.js";
import type {
  Capabilities,
  ConnectTarget,
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  Engine,
  EngineName,
  Listener,
  ListenerSink,
  ListenTarget,
  ResolvedHost,
  StreamSink,
  StreamSocket,
} from "../engine.js";
import { assertZone } from "../ip-zone.js";
import { assertConnectAddress } from "../path-address.js";
import { resolveHost } from "../resolve-host.js";
import { errnoNameOf } from "../system-error.js";
import { TlsClientContext } from "../tls/tls-client-context.js";
import { TlsServerContext } from "../tls/tls-server-context.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../tls-options.js";
import { NodeDatagram } from "./node-datagram.js";
import {
  assertListenTarget,
  assertReusePort,
  assertStreamOptions,
  nodeCapabilities,
} from "./node-features.js";
import { NodeListener } from "./node-listener.js";
import { NodeStream } from "./node-stream.js";
import { NodeTurn } from "./node-turn.js";
import { ownerReader } from "./owned-socket.js";
import { ProcessHold } from "./process-hold.js";
import { RecycledMemory } from "./recycled-memory.js";
import { SharedReading } from "./shared-reading.js";
import { StreamRounds } from "./stream-rounds.js";

class NodeEngine implements Engine {
  readonly name: EngineName = "node";
  readonly memory: RecycledMemory = new RecycledMemory();
  readonly capabilities: Capabilities = nodeCapabilities;
  readonly clock: Clock = systemClock;
  private readonly turn = new NodeTurn();
  private readonly hold = new ProcessHold();
  private readonly rounds = new StreamRounds();
  private readonly reading = new SharedReading(ownerReader, this.memory);

  afterTurn(task: () => void): void {
    this.turn.add(task);
  }

  resolve(host: string, signal?: AbortSignal): Promise<readonly ResolvedHost[]> {
    return resolveHost(host, signal);
  }

  listen(target: ListenTarget, sink: ListenerSink): Listener {
    assertListenTarget(target);
    assertZone(target.address, "listen");
    const service = {
      clock: this.clock,
      turn: this.turn,
      hold: this.hold,
      rounds: this.rounds,
      memory: this.memory,
      reading: this.reading,
    };
    return inRootContext(() => new NodeListener(target, sink, service));
  }

  connect(target: ConnectTarget, sink: StreamSink): StreamSocket {
    assertStreamOptions(target.stream, "connect");
    assertConnectAddress(target.address);
    assertZone(target.address, "connect");
    return inRootContext(() => {
      // TLS takes a socket over with Node's own way of reading.
      const lendsBytes = target.stream.mayStartTls !== true;
      const socket = lendsBytes
        ? this.reading.socket(target.stream.keepsBytes === true)
        : new Socket({ allowHalfOpen: true });
      const stream = new NodeStream({
        socket,
        options: target.stream,
        isOpen: false,
        hasOptions: false,
        lendsBytes,
        remote: target.address,
        local: "path" in target.address ? { path: "" } : undefined,
        turn: this.turn,
        hold: this.hold,
        rounds: this.rounds,
        memory: this.memory,
      });
      stream.sink = sink;
      startConnect(socket, target);
      return stream;
    });
  }

  createTlsContext(
    role: "server" | "client",
    options: TlsServerOptions | TlsClientOptions,
  ): TlsContext {
    return role === "server"
      ? new TlsServerContext(options as TlsServerOptions, this.clock)
      : new TlsClientContext(options as TlsClientOptions);
  }

  openDatagram(target: DatagramTarget, sink: DatagramSink): DatagramSocket {
    assertReusePort(target);
    return inRootContext(() => new NodeDatagram(target, sink, this.turn));
  }
}

function startConnect(socket: Socket, target: ConnectTarget): void {
  const { address, localHost, localPort } = target;
  try {
    if ("path" in address) {
      socket.connect({ path: address.path });
      return;
    }
    const options: TcpNetConnectOpts = {
      host: address.host,
      port: address.port,
      // Racing the addresses of a name is done above, over all engines alike.
      autoSelectFamily: false,
      ...(localHost !== undefined && { localAddress: localHost }),
      ...(localPort !== undefined && localPort !== 0 && { localPort }),
    };
    socket.connect(options);
  } catch (cause) {
    // Some Nodes throw what the system answered at once; `ERR_` names are misuse.
    if (errnoNameOf(cause).startsWith("ERR_")) {
      socket.destroy();
      throw new NetError("INVALID_ARGUMENT", undefined, { operation: "connect", cause });
    }
    socket.destroy(cause instanceof Error ? cause : new Error(String(cause)));
  }
}

let engine: NodeEngine | undefined;

/** The node engine of this thread. */
export function nodeEngine(): Engine {
  engine ??= new NodeEngine();
  return engine;
}
