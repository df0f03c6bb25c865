/** The library `ws`, an independent implementation to speak with. Of its types only what the tests use. */

/** A socket of either role. */
export interface WsSocket {
  readonly protocol: string;
  readonly extensions: string;
  on(event: "open", listener: () => void): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): void;
  on(event: "close", listener: (code: number, reason: Buffer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  send(
    data: string | Uint8Array,
    options?: { readonly binary?: boolean; readonly fin?: boolean },
  ): void;
  ping(data?: string): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** A server. */
export interface WsServer {
  on(event: "connection", listener: (socket: WsSocket) => void): void;
  on(event: "listening", listener: () => void): void;
  address(): { readonly port: number };
  close(): void;
}

/** What the module has. */
export interface WsLibrary {
  readonly WebSocket: new (
    url: string,
    protocols: readonly string[],
    options: { readonly perMessageDeflate?: boolean | object },
  ) => WsSocket;
  readonly WebSocketServer: new (options: {
    readonly port: number;
    readonly host: string;
    readonly perMessageDeflate?: boolean | object;
  }) => WsServer;
}

/** The library, or why it is not there. */
export async function wsLibrary(): Promise<WsLibrary | string> {
  const name = "ws";
  try {
    return (await import(name)) as WsLibrary;
  } catch (error) {
    return `ws is not installed: ${(error as { code?: string }).code}`;
  }
}
