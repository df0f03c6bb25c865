/** Reliable sessions as a protocol over sessions: who may begin one, and its links. */
import type {
  LinkedSession,
  SessionLink,
  SessionProtocol,
  StrangerPeer,
} from "../datagram/session-link.js";
import { parseHandshake, writeHandshake } from "../protocol/arq/handshake-packet.js";
import type { KcpSettings } from "../protocol/kcp/kcp-settings.js";
import { KcpShare } from "../protocol/kcp/kcp-share.js";
import { isWellFormed } from "../protocol/kcp/segment.js";
import type { Clock } from "../time/clock.js";
import { ArqLink, type ArqShare } from "./arq-link.js";
import type { ArqSettings } from "./arq-settings.js";
import { ConversationIds } from "./conversation-ids.js";
import { OutputMemory } from "./output-memory.js";

/** Least time until a handshake packet is repeated (HP §3.4 with the interval of HP §2.13). */
const MIN_REPEAT_MS = 60;

/** Lets reliable sessions begin, and makes their links. */
export class ArqProtocol implements SessionProtocol {
  readonly settings: ArqSettings;
  private readonly share: ArqShare;
  private readonly clock: Clock;

  constructor(settings: ArqSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.share = {
      settings,
      ids: new ConversationIds(),
      handshake: {
        intervalMs: Math.max(settings.flushIntervalMs, MIN_REPEAT_MS),
        timeoutMs: settings.handshakeTimeoutMs,
      },
      kcp: new KcpShare(kcpSettings(settings)),
      output: new OutputMemory(),
    };
  }

  /**
   * Replies to a handshake packet without a session with an id that is not kept. A peer that repeats the id has
   * proved its address, and begins a session.
   */
  mayBegin(datagram: Buffer, from: StrangerPeer): boolean {
    const { settings } = this;
    const { ids } = this.share;
    if (settings.conversation !== undefined) return this.isFirst(datagram, settings.conversation);
    const packet = parseHandshake(datagram);
    if (packet === undefined) return false;
    const nowMs = this.clock.now();
    const { ownId, peerId } = packet;
    if (peerId !== 0) return ids.isGood(peerId, from.peer, ownId, nowMs);
    const id = ids.make(from.peer, ownId, nowMs);
    from.reply(writeHandshake({ isComplete: false, ownId: id, peerId: ownId }));
    return false;
  }

  /** Whether these are segments of a conversation that has just begun: they acknowledge nothing. */
  private isFirst(datagram: Buffer, conversation: number | "any"): boolean {
    if (datagram.length < 4) return false;
    const id = conversation === "any" ? datagram.readInt32LE(0) : conversation | 0;
    return isWellFormed(this.share.kcp.memory.toRead(datagram).view, datagram.length, id, 0);
  }

  createLink(session: LinkedSession): SessionLink {
    return new ArqLink(session, this.share);
  }
}

/** What all conversations are told. */
function kcpSettings(settings: ArqSettings): KcpSettings {
  const { maxTransmitBytes, resendByAcks, deadLinkCount, deadLinkMs } = settings;
  return {
    noDelay: settings.noDelay ? 1 : 0,
    intervalMs: settings.flushIntervalMs,
    fastResend: resendByAcks,
    fastLimit: settings.fastLimit,
    repeatAfterMs: settings.repeatAfterMs,
    repeatCount: settings.repeatCount,
    sendWindow: settings.sendWindow,
    receiveWindow: settings.receiveWindow,
    mtuBytes: maxTransmitBytes,
    isStream: settings.isStream,
    minRtoMs: settings.minRtoMs,
    maxMessageBytes: settings.maxMessageBytes,
    deadLinkCount: deadLinkCount || Number.POSITIVE_INFINITY,
    deadLinkMs: deadLinkMs || Number.POSITIVE_INFINITY,
  };
}
