import type { Connection, SendResult, SmallFileOptions } from "../connection.js";
import type { ConnectionSettings } from "../settings.js";
import type { StreamConnection } from "../stream-connection.js";
import { type ChangeableSettings, OPTION_NAMES } from "./component-options.js";
import { ConnectionGroup } from "./connection-group.js";
import type { StreamComponent } from "./stream-component.js";

/** A component with many streams: what it has beyond every {@link ConnectionGroup}. */
export abstract class StreamGroup<Context> extends ConnectionGroup<
  StreamConnection,
  Connection<Context>,
  ConnectionSettings
> {
  readonly #component: StreamComponent;

  constructor(component: StreamComponent) {
    super(component);
    this.#component = component;
  }

  /**
   * Changes settings, also while running: limits and deadlines hold at once, `receive`, `noDelay`,
   * `keepAlive` and the kernel's buffer sizes for connections to come. Throws `SETTING_FIXED` for what
   * can't be changed, `INVALID_ARGUMENT` for an invalid value; then nothing is changed.
   */
  configure(changes: ChangeableSettings): void {
    this.#component.configure(changes, OPTION_NAMES);
  }

  /**
   * Sends a whole file of at most 4,194,303 bytes, head and tail included, as one (HP §2.4). See
   * {@link Connection.sendSmallFile}.
   */
  async sendSmallFile(id: number, path: string, options?: SmallFileOptions): Promise<SendResult> {
    return (await this.#component.registry.find(id)?.sendSmallFile(path, options)) ?? false;
  }

  /**
   * Takes `byteCount` unread bytes, or returns undefined when fewer are there.
   * See {@link Connection.fetch}.
   */
  fetch(id: number, byteCount: number): Buffer | undefined {
    return this.#component.registry.find(id)?.fetch(byteCount);
  }

  /** The first `byteCount` unread bytes without taking them; undefined when fewer are there. See {@link Connection.peek}. */
  peek(id: number, byteCount: number): Buffer | undefined {
    return this.#component.registry.find(id)?.peek(byteCount);
  }

  /**
   * Sends what waits, then FIN: nothing more can be sent, and receiving goes on until the peer
   * finishes too. See {@link Connection.finish}.
   */
  finish(id: number): boolean {
    return this.#component.registry.find(id)?.finish() ?? false;
  }
}
