/**
 * The seam between a session and a protocol of messages over its datagrams, such as reliable UDP. Without one
 * each datagram is a message.
 *
 *     socket ─► probe? close-notify? ─► link.received ─► session.deliver ─► the application
 *     the application ─► session.send ─► link.send ─► session.sendDatagram ─► the end of the turn ─► socket
 */
import type { PeerKey } from "../engine/engine.js";
import type { NetError } from "../errors.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { DatagramSettings } from "./datagram-settings.js";

/** What can be said of one message when it is sent. */
export interface MessageOptions {
  /** Time after which the message is dropped if it has not begun to leave, in milliseconds; left out: never. */
  readonly expiresMs?: number | undefined;
}

/** What a protocol does with the datagrams of one session. */
export interface SessionLink {
  /** Bytes that were given to `send` and that the peer has not acknowledged. */
  readonly pendingBytes: number;
  /** What the link can tell of itself, as plain data. */
  readonly stats: unknown;
  /** Whether messages can be sent. Where it becomes true, the link calls {@link LinkedSession.establish}. */
  readonly isReady: boolean;
  /** The session is open for datagrams: `onAccept` or `onConnect` was called. May send. */
  opened(): void;
  /** A datagram came that is neither a probe nor a close-notify. Valid during the call only. */
  received(datagram: Buffer): void;
  /** Throws `PACKET_INVALID` for what can't be a message, `INVALID_ARGUMENT` for invalid options. */
  assertSendable(byteCount: number, options: MessageOptions | undefined): void;
  /** The queue is full: gives up what need not be sent any more. */
  makeRoom(): void;
  /** Sends a message, which is copied, or sent, during the call. There is room for it. */
  send(message: Uint8Array, options: MessageOptions | undefined): void;
  /** Delivers nothing from here on, so that the peer is held back, until {@link resume}. */
  hold(): void;
  /** Goes on. Called from no call of the application's. */
  resume(): void;
  /** See {@link LinkedSession.askLater}. */
  turnEnded(): void;
  /**
   * The session closes in good order. Returns whether all is sent and acknowledged; where not, it is asked again
   * with each {@link LinkedSession.acknowledged}, or calls {@link LinkedSession.allSent}.
   */
  closing(): boolean;
  /** The session has ended: nothing is sent or received any more. Once, and last. */
  ended(): void;
}

/** A session, as its link sees it. */
export interface LinkedSession {
  readonly id: number;
  readonly settings: DatagramSettings;
  /** The wheel of all deadlines, and its clock. */
  readonly wheel: TimingWheel;
  /** Whether the session was made by us. */
  readonly isOutgoing: boolean;
  /** When something last came from the peer, by the wheel's clock. */
  readonly heardMs: number;
  /** Sends a datagram to the peer when the turn ends. The bytes must stay as they are until it is sent. */
  sendDatagram(bytes: Uint8Array): void;
  /** Calls `turnEnded` of the link once, when the turn ends and before what it has sent leaves. */
  askLater(): void;
  /** Messages can be sent: calls `onHandshake`, and the session is open. */
  establish(): void;
  /** A message for the application. It may be a part of the datagram that was lent. */
  deliver(message: Buffer): void;
  /** The peer has acknowledged `byteCount` bytes of messages: `onSend`, and `onDrain` where it is due. */
  acknowledged(byteCount: number): void;
  /** Nothing waits any more on a session that closes. */
  allSent(): void;
  /** Ends the session at once; the peer is told by a close-notify. Returns false when it has ended already. */
  fail(error: NetError): boolean;
  /** The same without a word to the peer. */
  failSilently(error: NetError): boolean;
  /** Where the peer is. */
  readonly peer: PeerKey | undefined;
}

/** A peer without a session. */
export interface StrangerPeer {
  readonly peer: PeerKey;
  /** Sends a datagram back, when the turn ends: one at most. The bytes must stay as they are until it is sent. */
  reply(bytes: Uint8Array): void;
}

/** A protocol of messages over sessions. */
export interface SessionProtocol {
  /**
   * Whether a datagram of a stranger may begin a session. Keeps nothing, answers garbage with no, and may reply
   * with something that proves who repeats it to be at that address. Left out: every one may.
   */
  mayBegin?(datagram: Buffer, from: StrangerPeer): boolean;
  createLink(session: LinkedSession): SessionLink;
}
