import type { LiveConnection } from "../../connection/live-connection.js";
import { TcpServer } from "../../tcp/tcp-server.js";
import type { LiveHttpConnection } from "./live-http-connection.js";

/** The TCP server below. Its connections end when what is under way on them is answered. */
export class HttpListener extends TcpServer<Buffer, LiveHttpConnection> {
  protected override drain(connection: LiveConnection): void {
    const http = connection.context as LiveHttpConnection | undefined;
    if (http?.close() === true || http?.isFinishing === true) return;
    connection.close();
  }

  override connectionSent(connection: LiveConnection): void {
    (connection.context as LiveHttpConnection | undefined)?.sent();
  }
}
