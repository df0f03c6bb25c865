/**
 * The certificates of a server: one for each name, made anew when options change or when the ticket
 * keys grow old. Handshakes under way keep the context that they began with.
 */
import { randomBytes } from "node:crypto";
import type { SecureContext } from "node:tls";
import { NetError } from "../../errors.js";
import type { Clock } from "../../time/clock.js";
import type { TlsContext, TlsServerOptions } from "../tls-options.js";
import { ServerNameTable } from "./server-name.js";
import { secureContext, type TicketRules, ticketRules } from "./tls-credentials.js";

const TICKET_KEY_BYTES = 48;
const TICKET_ROTATION_MS = 43_200_000;

/** Tells the context for a name; undefined for the main one. */
export type ServerNameAnswer = (error: Error | null, context?: SecureContext) => void;

/** See the head of the file. */
export class TlsServerContext implements TlsContext {
  readonly role = "server";
  readonly #clock: Clock;
  #options: TlsServerOptions;
  #made: MadeContexts;
  #madeMs: number;

  constructor(options: TlsServerOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = options;
    this.#made = makeContexts(options);
    this.#madeMs = clock.now();
  }

  update(options: TlsServerOptions): void {
    this.#made = makeContexts(options);
    this.#options = options;
    this.#madeMs = this.#clock.now();
  }

  /** Rules of the handshakes to come. */
  get options(): TlsServerOptions {
    return this.#options;
  }

  /** The context of clients that name no server, or one that nobody knows. */
  get main(): SecureContext {
    this.#rotate();
    return this.#made.main;
  }

  /** Finds the context for a server name; a selector that fails ends the handshake. */
  find(serverName: string, answer: ServerNameAnswer): void {
    const known = this.#made.names.find(serverName);
    const { selectCertificate } = this.#options;
    if (known !== undefined || selectCertificate === undefined) {
      answer(null, known);
      return;
    }
    Promise.resolve()
      .then(() => selectCertificate(serverName))
      .then((certificate) =>
        certificate === undefined
          ? undefined
          : secureContext(certificate, this.#options, this.#made.tickets),
      )
      .then(
        (context) => answer(null, context),
        (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
      );
  }

  /** New ticket keys from time to time, so that one that leaks opens few sessions. */
  #rotate(): void {
    const { ticketKeys, ticketRotationMs = TICKET_ROTATION_MS } = this.#options;
    if (ticketKeys !== undefined || ticketRotationMs === 0) return;
    if (this.#clock.now() - this.#madeMs >= ticketRotationMs) this.update(this.#options);
  }
}

interface MadeContexts {
  readonly main: SecureContext;
  readonly names: ServerNameTable<SecureContext>;
  readonly tickets: TicketRules;
}

function makeContexts(options: TlsServerOptions): MadeContexts {
  if (options.ticketKeys !== undefined && options.ticketKeys.length !== TICKET_KEY_BYTES) {
    const text = `tls: ticketKeys must have ${TICKET_KEY_BYTES} bytes, not ${options.ticketKeys.length}`;
    throw new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
  }
  const tickets = ticketRules(options, options.ticketKeys ?? randomBytes(TICKET_KEY_BYTES));
  const named = Object.entries(options.serverNames ?? {}).map(
    ([name, certificate]) => [name, secureContext(certificate, options, tickets)] as const,
  );
  const main = secureContext(options, options, tickets);
  return { main, names: new ServerNameTable(named), tickets };
}
