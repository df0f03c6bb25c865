/**
 * A component with many connections. Each operation on a connection exists here by id as well; for
 * an id that is not (or no longer) there it answers false or undefined, and never throws.
 */
import { assertInteger, NetError } from "../errors.js";
import { reasonOf } from "./close-reason.js";
import { Component } from "./component.js";
import type { Connection, Data, SmallFileOptions, WaitOptions } from "./connection.js";
import type { LiveConnection } from "./live-connection.js";

/** Base of servers and agents; see the head of the file. */
export abstract class ConnectionGroup<Received extends Buffer | number, Context> extends Component<
  Connection<Context>,
  Received,
  Context
> {
  protected handleOf(connection: LiveConnection): Connection<Context> {
    return connection as Connection as Connection<Context>;
  }

  /** Ids of the connections at present. */
  connectionIds(): number[] {
    return this.registry.ids();
  }

  /** The connection with this id, or undefined. */
  connection(id: number): Connection<Context> | undefined {
    return this.registry.find(id) as Connection<Context> | undefined;
  }

  /** See {@link Connection.send}. */
  send(id: number, data: Data): boolean {
    return this.registry.find(id)?.send(data) ?? false;
  }

  /** See {@link Connection.sendAll}. */
  sendAll(id: number, pieces: readonly Data[]): boolean {
    return this.registry.find(id)?.sendAll(pieces) ?? false;
  }

  /** See {@link Connection.sendSmallFile}. */
  async sendSmallFile(id: number, path: string, options?: SmallFileOptions): Promise<boolean> {
    return (await this.registry.find(id)?.sendSmallFile(path, options)) ?? false;
  }

  /** See {@link Connection.request}. Rejects with `CONNECTION_CLOSED` for an id that is not there. */
  async request(id: number, data: Data, options?: WaitOptions): Promise<Buffer> {
    const connection = this.registry.find(id);
    if (connection === undefined) throw new NetError("CONNECTION_CLOSED", `no connection ${id}`);
    return connection.request(data, options);
  }

  /** See {@link Connection.fetch}. */
  fetch(id: number, byteCount: number): Buffer | undefined {
    return this.registry.find(id)?.fetch(byteCount);
  }

  /** See {@link Connection.peek}. */
  peek(id: number, byteCount: number): Buffer | undefined {
    return this.registry.find(id)?.peek(byteCount);
  }

  /** See {@link Connection.pause}. */
  pause(id: number): boolean {
    return this.registry.find(id)?.pause() ?? false;
  }

  /** See {@link Connection.resume}. */
  resume(id: number): boolean {
    return this.registry.find(id)?.resume() ?? false;
  }

  /** See {@link Connection.finish}. */
  finish(id: number): boolean {
    return this.registry.find(id)?.finish() ?? false;
  }

  /** See {@link Connection.close}. */
  close(id: number): boolean {
    return this.registry.find(id)?.close() ?? false;
  }

  /** See {@link Connection.abort}. */
  abort(id: number): boolean {
    return this.registry.find(id)?.abort() ?? false;
  }

  /** Closes all connections from which nothing came for `silentMs`; answers how many (HP §2.3). */
  closeSilent(silentMs: number): number {
    assertInteger("silentMs", silentMs, 0, Number.MAX_SAFE_INTEGER);
    const message = `nothing was received for silentMs (${silentMs})`;
    const isSilent = (connection: LiveConnection) => connection.silentForMs >= silentMs;
    return this.closeWhere(isSilent, "IDLE_TIMEOUT", message);
  }

  /** Closes all connections that are older than `ageMs`; answers how many (HP §2.3). */
  closeOlderThan(ageMs: number): number {
    assertInteger("ageMs", ageMs, 0, Number.MAX_SAFE_INTEGER);
    const message = `the connection is older than ageMs (${ageMs})`;
    return this.closeWhere((connection) => connection.ageMs >= ageMs, "AGE_LIMIT", message);
  }

  private closeWhere(
    applies: (connection: LiveConnection) => boolean,
    code: "IDLE_TIMEOUT" | "AGE_LIMIT",
    message: string,
  ): number {
    let count = 0;
    for (const connection of this.registry.list()) {
      if (!connection.isOpen || !applies(connection)) continue;
      const error = new NetError(code, message, {
        operation: "close",
        connectionId: connection.id,
      });
      if (connection.closeWith(reasonOf(error, "close"))) count++;
    }
    return count;
  }
}
