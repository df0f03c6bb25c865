/**
 * The certificates of a server: one for each name, made anew when options change or when the ticket
 * keys grow old. Handshakes under way keep the context that they began with. Files are read when
 * options are given, and not again when ticket keys change.
 */
import type { SecureContext, SecureContextOptions } from "node:tls";
import { NetError } from "../../errors.js";
import type { Clock } from "../../time/clock.js";
import { cryptoModule } from "../built-in.js";
import type { TlsCertificate, TlsContext, TlsServerOptions } from "../tls-options.js";
import { isHostName, ServerNameTable } from "./server-name.js";
import {
  certificateOptions,
  hasCertificate,
  ruleOptions,
  secureContext,
  sessionOptions,
} from "./tls-credentials.js";

const TICKET_KEY_BYTES = 48;
const TICKET_ROTATION_MS = 43_200_000;

/** Tells the context for a name; undefined for the main one. */
export type ServerNameAnswer = (error: Error | null, context?: SecureContext) => void;

export class TlsServerContext implements TlsContext {
  readonly role = "server";
  private readonly clock: Clock;
  private material: Material;
  private made: MadeContexts;
  private madeMs: number;

  constructor(options: TlsServerOptions, clock: Clock) {
    this.clock = clock;
    this.material = loadMaterial(options);
    this.made = makeContexts(this.material);
    this.madeMs = clock.now();
  }

  update(options: TlsServerOptions): void {
    const material = loadMaterial(options);
    this.made = makeContexts(material);
    this.material = material;
    this.madeMs = this.clock.now();
  }

  /** Rules of the handshakes to come. */
  get options(): TlsServerOptions {
    return this.material.options;
  }

  /** The context of clients that name no server, or an unknown one. */
  get main(): SecureContext {
    this.rotate();
    return this.made.main;
  }

  /** Whether the certificate depends on the name that a client asks for. */
  get hasNames(): boolean {
    return !this.made.names.isEmpty || this.options.selectCertificate !== undefined;
  }

  /** Finds the context for a server name; a selector that fails ends the handshake. */
  find(serverName: string, answer: ServerNameAnswer): void {
    const made = this.made;
    const known = made.names.find(serverName);
    const { selectCertificate } = this.options;
    // A selector may make the name of a file of it, or log it.
    if (known !== undefined || selectCertificate === undefined || !isHostName(serverName)) {
      answer(null, known);
      return;
    }
    Promise.resolve()
      .then(() => selectCertificate(serverName))
      .then((certificate) => made.selected(certificate))
      .then(
        (context) => answer(null, context),
        (cause: unknown) => answer(selectorError(cause)),
      );
  }

  /** New ticket keys from time to time, so that one that leaks opens few sessions. */
  private rotate(): void {
    const { ticketKeys, ticketRotationMs = TICKET_ROTATION_MS } = this.options;
    if (ticketKeys !== undefined || ticketRotationMs === 0) return;
    const nowMs = this.clock.now();
    if (nowMs - this.madeMs < ticketRotationMs) return;
    this.made = makeContexts(this.material);
    this.madeMs = nowMs;
  }
}

/** Options with everything that they name in memory. */
interface Material {
  readonly options: TlsServerOptions;
  readonly rules: SecureContextOptions;
  readonly main: SecureContextOptions;
  readonly named: readonly (readonly [string, SecureContextOptions])[];
}

function loadMaterial(options: TlsServerOptions): Material {
  const named = Object.entries(options.serverNames ?? {}).map(
    ([name, certificate]) => [name, namedCertificate(name, certificate)] as const,
  );
  const main = certificateOptions(options);
  if (!hasCertificate(main) && named.length === 0 && options.selectCertificate === undefined) {
    throw invalid("a server needs cert and key, or pfx");
  }
  return { options, rules: ruleOptions(options), main, named };
}

function namedCertificate(name: string, certificate: TlsCertificate): SecureContextOptions {
  const options = certificateOptions(certificate);
  if (!hasCertificate(options)) throw invalid(`${JSON.stringify(name)} has no certificate`);
  return options;
}

interface MadeContexts {
  readonly main: SecureContext;
  readonly names: ServerNameTable<SecureContext>;
  /** The context for a selector's answer: the same object is looked at once. */
  selected(certificate: TlsCertificate | undefined): SecureContext | undefined;
}

function makeContexts({ options, rules, main, named }: Material): MadeContexts {
  const ticketKeys = options.ticketKeys ?? cryptoModule().randomBytes(TICKET_KEY_BYTES);
  const shared = { ...rules, ...sessionOptions(options, rules, ticketKeys) };
  const verifies = (options.clientCertificate ?? "none") !== "none";
  const selected = new WeakMap<TlsCertificate, SecureContext>();
  return {
    main: secureContext({ ...main, ...shared }, verifies),
    names: new ServerNameTable(
      named.map(([name, own]) => [name, secureContext({ ...own, ...shared }, verifies)] as const),
    ),
    selected(certificate) {
      if (certificate === undefined) return undefined;
      const known = selected.get(certificate);
      if (known !== undefined) return known;
      const own = certificateOptions(certificate);
      if (!hasCertificate(own)) throw invalid("selectCertificate answered no certificate");
      const context = secureContext({ ...own, ...shared }, verifies);
      selected.set(certificate, context);
      return context;
    },
  };
}

function selectorError(cause: unknown): NetError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new NetError("HANDLER_FAILED", `selectCertificate failed: ${text}`, {
    operation: "handshake",
    cause,
  });
}

function invalid(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", `tls: ${text}`, { operation: "configure" });
}
