import type { AccessControl } from "../connection/access/access-control.js";
import type { CloseReason } from "../connection/close-reason.js";
import type { BroadcastResult } from "../connection/component/broadcast.js";
import { Component, type ComponentRole } from "../connection/component/component.js";
import type { Engine } from "../engine/engine.js";
import type { PeerKey } from "../engine/peer-key.js";
import type { Given } from "../options.js";
import {
  DATAGRAM_SETTING_NAMES,
  type DatagramSettings,
  datagramSettings,
} from "./datagram-settings.js";
import { Session, type SessionHost } from "./session.js";
import type { SessionEvents } from "./session-events.js";
import type { SessionLink, SessionProtocol } from "./session-link.js";

/** What a component of this role does with its sessions. */
export interface SessionRole extends ComponentRole<Session> {
  readonly events: SessionEvents;
}

const SESSION_SETTINGS = { names: DATAGRAM_SETTING_NAMES, read: datagramSettings };

/** A component whose connections are sessions over datagrams: what it adds to every component. */
export class SessionComponent extends Component<Session, DatagramSettings> implements SessionHost {
  readonly events: SessionEvents;
  /** The protocol of messages above the datagrams; undefined where each of them is a message. */
  readonly protocol: SessionProtocol | undefined;
  /** Who may begin a session, where that is restricted. */
  access: AccessControl | undefined = undefined;
  /** The last session has ended while the component stops. */
  onEmpty: (() => void) | undefined = undefined;

  /** Throws `INVALID_ARGUMENT` for invalid settings. */
  constructor(
    role: SessionRole,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    given: Given<DatagramSettings>,
  ) {
    super(role, engine, SESSION_SETTINGS, given);
    this.events = role.events;
    this.protocol = protocol;
  }

  get hasLinks(): boolean {
    return this.protocol !== undefined;
  }

  createLink(session: Session): SessionLink | undefined {
    return this.protocol?.createLink(session);
  }

  /** Enters a session: of a peer that was heard, or one that is still to be made. */
  admit(peer?: PeerKey): Session {
    const session = new Session(this, peer);
    this.registry.add(session);
    return session;
  }

  override connectionClosed(session: Session, reason: CloseReason): void {
    this.access?.gone(session.id);
    super.connectionClosed(session, reason);
  }

  sendToAll(sessions: readonly Session[], bytes: Buffer): BroadcastResult {
    let taken = 0;
    let slow = 0;
    let refused = 0;
    for (const session of sessions) {
      const result = session.send(bytes);
      if (result === true) taken++;
      else if (result === "slow") slow++;
      else refused++;
    }
    return { taken, slow, refused };
  }

  override finishStop(): void {
    if (this.state === "stopping" && this.registry.count === 0) this.onEmpty?.();
    super.finishStop();
  }
}
