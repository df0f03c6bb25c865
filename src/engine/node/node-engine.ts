/** The engine over Node's own sockets. Runs everywhere. */
import {
  type OnReadOpts,
  Socket,
  type SocketConstructorOpts,
  type TcpNetConnectOpts,
} from "node:net";
import { HeapSendMemory, type SendMemory } from "../../bytes/send-memory.js";
import { NetError } from "../../errors.js";
import { type Clock, systemClock } from "../../time/clock.js";
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
import { resolveHost } from "../resolve-host.js";
import { errnoNameOf } from "../system-error.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../tls-options.js";
import { NodeDatagram } from "./node-datagram.js";
import { assertListenTarget, assertStreamOptions, nodeCapabilities } from "./node-features.js";
import { NodeListener } from "./node-listener.js";
import { NodeStream } from "./node-stream.js";
import { NodeTurn } from "./node-turn.js";
import { TlsClientContext } from "./tls-client-context.js";
import { TlsServerContext } from "./tls-server-context.js";

/**
 * What outgoing connections read into, all of them: node:net fills it and calls back before the next
 * read, so one is enough, and an idle connection holds no receive buffer.
 */
const RECEIVE_BUFFER_BYTES = 65_536;

/** `onread` is an option of the constructor too, says Node's manual; its types don't. */
interface ReadingSocketOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts;
}

class NodeEngine implements Engine {
  readonly name: EngineName = "node";
  readonly memory: SendMemory = new HeapSendMemory();
  readonly capabilities: Capabilities = nodeCapabilities;
  readonly clock: Clock = systemClock;
  readonly #turn = new NodeTurn();
  readonly #receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES);

  afterTurn(task: () => void): void {
    this.#turn.add(task);
  }

  resolve(host: string): Promise<readonly ResolvedHost[]> {
    return resolveHost(host);
  }

  listen(target: ListenTarget, sink: ListenerSink): Listener {
    assertListenTarget(target);
    return new NodeListener(target, sink, this.clock, this.#turn);
  }

  connect(target: ConnectTarget, sink: StreamSink): StreamSocket {
    assertStreamOptions(target.stream, "connect");
    const stream = target.stream.mayStartTls
      ? this.#ownedStream(target)
      : this.#lendingStream(target);
    stream.sink = sink;
    startConnect(stream.socket, target);
    return stream;
  }

  /** Received bytes lie in one buffer for all: nothing is allocated for them. */
  #lendingStream(target: ConnectTarget): NodeStream {
    const receiveBuffer = this.#receiveBuffer;
    const options: ReadingSocketOptions = {
      allowHalfOpen: true,
      onread: {
        buffer: receiveBuffer,
        callback: (byteCount): boolean => {
          stream.received(receiveBuffer.subarray(0, byteCount));
          return true;
        },
      },
    };
    const stream: NodeStream = this.#outgoingStream(new Socket(options), target, true);
    return stream;
  }

  /** A socket that TLS can take over, which does not go with a buffer of its own. */
  #ownedStream(target: ConnectTarget): NodeStream {
    return this.#outgoingStream(new Socket({ allowHalfOpen: true }), target, false);
  }

  #outgoingStream(socket: Socket, target: ConnectTarget, lendsBytes: boolean): NodeStream {
    return new NodeStream({
      socket,
      options: target.stream,
      isOpen: false,
      lendsBytes,
      remote: target.address,
      local: "path" in target.address ? { path: "" } : undefined,
      turn: this.#turn,
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
    return new NodeDatagram(target, sink);
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
