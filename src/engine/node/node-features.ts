/** What this Node can do for the engine, found out by trying, not by version. */
import { Server } from "node:net";
import process from "node:process";
import { NetError, type Operation } from "../../errors.js";
import type { Capabilities, ListenTarget, StreamOptions } from "../engine.js";
import { takesKeepAliveInterval } from "./keep-alive.js";
import { findsBreaks } from "./quiet-break.js";
import { socketCalls } from "./socket-calls.js";

// Where the kernel spreads connections over the listeners of one port; elsewhere libuv refuses.
const REUSE_PORT_PLATFORMS: readonly string[] = ["linux", "freebsd", "sunos", "aix"];

/** Whether `listen` looks at its option `reusePort`: the port below 0 makes it stop right after. */
function readsReusePort(): boolean {
  let isRead = false;
  const options = {
    port: -1,
    get reusePort(): boolean {
      isRead = true;
      return false;
    },
  };
  try {
    new Server().listen(options);
  } catch {
    // Expected: -1 is no port, so nothing was bound.
  }
  return isRead;
}

function reusePort(): true | string {
  if (!REUSE_PORT_PLATFORMS.includes(process.platform)) {
    return `SO_REUSEPORT does not share a port out on ${process.platform}`;
  }
  return readsReusePort() || "this Node has no option reusePort (22.12 and later have it)";
}

let canReusePort: true | string | undefined;

/** `true` where foreign calls do what node:net can't; loads them. */
function byCalls(what: string): true | string {
  const calls = socketCalls();
  return typeof calls !== "string" || `${what}; ${calls}`;
}

/** The capabilities of the node engine in this process. What is tried is tried when it is asked for. */
export const nodeCapabilities: Capabilities = {
  get reusePort(): true | string {
    canReusePort ??= reusePort();
    return canReusePort;
  },
  get keepAliveInterval(): true | string {
    const what = "this Node sets the idle time of keep-alive only (24 sets all)";
    return takesKeepAliveInterval || byCalls(what);
  },
  get userTimeout(): true | string {
    return byCalls("node:net can't set TCP_USER_TIMEOUT");
  },
  get tcpInfo(): true | string {
    return byCalls("node:net can't ask for TCP_INFO");
  },
  pathAddress: true,
  socketBuffers: "node:net can't size a stream's buffers",
  datagramBuffers: true,
  datagram: true,
  carry: "node:net hands all bytes to JavaScript",
  get resetWhilePaused(): true | string {
    return findsBreaks();
  },
  tls: true,
};

function assertCan(reason: true | string, what: string, operation: Operation): void {
  if (reason !== true) {
    throw new NetError("NOT_SUPPORTED", `${what}: ${reason}`, { operation });
  }
}

/** Throws `NOT_SUPPORTED` for stream options that node:net has no way to set. */
export function assertStreamOptions(options: StreamOptions, operation: Operation): void {
  if (options.userTimeoutMs !== undefined) {
    assertCan(nodeCapabilities.userTimeout, "userTimeoutMs", operation);
  }
  if (options.receiveBufferBytes !== undefined) {
    assertCan(nodeCapabilities.socketBuffers, "receiveBufferBytes", operation);
  }
  if (options.sendBufferBytes !== undefined) {
    assertCan(nodeCapabilities.socketBuffers, "sendBufferBytes", operation);
  }
}

/** Throws `NOT_SUPPORTED` for a listen target that node:net can't serve. */
export function assertListenTarget(target: ListenTarget): void {
  assertReusePort(target);
  assertStreamOptions(target.stream, "listen");
}

/** Throws `NOT_SUPPORTED` where a port is to be shared and this Node can't. */
export function assertReusePort({ reusePort: isShared }: { readonly reusePort: boolean }): void {
  if (isShared) assertCan(nodeCapabilities.reusePort, "reusePort", "listen");
}
