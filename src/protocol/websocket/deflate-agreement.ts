/**
 * What both sides agree on for permessage-deflate (RFC 7692 §7.1): a client offers, in the order of its
 * preference; the server takes the first offer it can fulfil, or none; the client checks.
 *
 *     parameter                   in an offer          in a response
 *     server_no_context_takeover  no value             no value
 *     client_no_context_takeover  no value             no value
 *     server_max_window_bits      8…15                 8…15, at most the offered
 *     client_max_window_bits      8…15 or no value     8…15, only where it was offered
 *
 * A malformed offer is declined, as §7.1 wants it; a malformed response fails the handshake. Neither
 * throws: whatever a peer writes here is a value.
 */
import { assertInteger, assertKnownKeys, describe, NetError } from "../../errors.js";
import type { Extension, ExtensionParameter } from "./header-list.js";

/** Name of the extension. */
export const DEFLATE_NAME = "permessage-deflate";

/** Windows of 2^8 to 2^15 bytes. */
export const MIN_WINDOW_BITS: number = 8;
export const MAX_WINDOW_BITS: number = 15;

const SERVER_NO_CONTEXT = "server_no_context_takeover";
const CLIENT_NO_CONTEXT = "client_no_context_takeover";
const SERVER_WINDOW = "server_max_window_bits";
const CLIENT_WINDOW = "client_max_window_bits";

/** Without a sign or leading zeros. */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** What one side wants, both as a server and as a client. */
export interface DeflateWishes {
  /** The server forgets its context behind each message. Default false. */
  readonly serverNoContextTakeover?: boolean;
  /** The client does. Default false. */
  readonly clientNoContextTakeover?: boolean;
  /** Largest window of the server's compressor, 8…15. Default 15. */
  readonly serverMaxWindowBits?: number;
  /**
   * Largest window of the client's compressor, 8…15. Default 15. A server gets what it wishes only from
   * clients that can do it; `DeflateAgreement` says what became of it.
   */
  readonly clientMaxWindowBits?: number;
}

/** What was agreed on. */
export interface DeflateAgreement {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** Parameters as they were written; `true`: without a value. */
interface Parameters {
  serverNoContext: boolean;
  clientNoContext: boolean;
  serverWindow: number | undefined;
  clientWindow: number | true | undefined;
}

const WISHES = [
  "serverNoContextTakeover",
  "clientNoContextTakeover",
  "serverMaxWindowBits",
  "clientMaxWindowBits",
] as const;

/** Throws `INVALID_ARGUMENT` for a wish that is none. */
export function assertWishes(wishes: DeflateWishes): void {
  assertKnownKeys(DEFLATE_NAME, wishes, WISHES);
  for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"] as const) {
    if (wishes[name] === undefined) continue;
    assertInteger(name, wishes[name], MIN_WINDOW_BITS, MAX_WINDOW_BITS);
  }
  for (const name of ["serverNoContextTakeover", "clientNoContextTakeover"] as const) {
    if (wishes[name] === undefined || typeof wishes[name] === "boolean") continue;
    throw new NetError(
      "INVALID_ARGUMENT",
      `${name} must be a boolean, not ${describe(wishes[name])}`,
      {
        operation: "configure",
      },
    );
  }
}

/** A client's offer. It tells that it can limit its own window, since every one of ours can. */
export function offerDeflate(wishes: DeflateWishes = {}): Extension {
  assertWishes(wishes);
  const parameters: ExtensionParameter[] = [];
  const { serverMaxWindowBits, clientMaxWindowBits } = wishes;
  if (wishes.serverNoContextTakeover === true) parameters.push([SERVER_NO_CONTEXT, undefined]);
  if (wishes.clientNoContextTakeover === true) parameters.push([CLIENT_NO_CONTEXT, undefined]);
  if (serverMaxWindowBits !== undefined) {
    parameters.push([SERVER_WINDOW, String(serverMaxWindowBits)]);
  }
  parameters.push([CLIENT_WINDOW, clientMaxWindowBits?.toString()]);
  return { name: DEFLATE_NAME, parameters };
}

/**
 * A server's choice: the first offer that is sound. Returns what was agreed on and the response to it, or
 * undefined where there is no such offer: the connection goes on without compression.
 */
export function acceptDeflate(
  offers: readonly Extension[],
  wishes: DeflateWishes = {},
): { readonly agreement: DeflateAgreement; readonly response: Extension } | undefined {
  assertWishes(wishes);
  for (const { name, parameters } of offers) {
    if (name.toLowerCase() !== DEFLATE_NAME) continue;
    const offer = parseParameters(parameters);
    if (offer !== undefined) return accept(offer, wishes);
  }
  return undefined;
}

/**
 * What a response to these offers means for the client that made them; undefined where it breaks
 * a rule (§7.1), upon which the connection has to fail.
 */
export function checkDeflate(
  response: Extension,
  offers: readonly DeflateWishes[],
): DeflateAgreement | undefined {
  const given = parseParameters(response.parameters);
  if (given === undefined || given.clientWindow === true) return undefined;
  for (const offer of offers) {
    const maxServerWindow = offer.serverMaxWindowBits;
    if (offer.serverNoContextTakeover === true && !given.serverNoContext) continue;
    if (maxServerWindow !== undefined) {
      if (given.serverWindow === undefined || given.serverWindow > maxServerWindow) continue;
    }
    return {
      serverNoContextTakeover: given.serverNoContext,
      // A client may always do without its context (§7.1.1.2), and keep below what was agreed on.
      clientNoContextTakeover: given.clientNoContext || offer.clientNoContextTakeover === true,
      serverMaxWindowBits: given.serverWindow ?? MAX_WINDOW_BITS,
      clientMaxWindowBits: Math.min(
        given.clientWindow ?? MAX_WINDOW_BITS,
        offer.clientMaxWindowBits ?? MAX_WINDOW_BITS,
      ),
    };
  }
  return undefined;
}

function accept(
  offer: Parameters,
  wishes: DeflateWishes,
): { readonly agreement: DeflateAgreement; readonly response: Extension } {
  const serverNoContextTakeover = offer.serverNoContext || wishes.serverNoContextTakeover === true;
  const clientNoContextTakeover = offer.clientNoContext || wishes.clientNoContextTakeover === true;
  const serverMaxWindowBits = Math.min(
    offer.serverWindow ?? MAX_WINDOW_BITS,
    wishes.serverMaxWindowBits ?? MAX_WINDOW_BITS,
  );
  // Only a client that has named the parameter can limit its window (§7.1.2.2).
  const clientMaxWindowBits =
    offer.clientWindow === undefined
      ? MAX_WINDOW_BITS
      : Math.min(
          offer.clientWindow === true ? MAX_WINDOW_BITS : offer.clientWindow,
          wishes.clientMaxWindowBits ?? MAX_WINDOW_BITS,
        );
  const parameters: ExtensionParameter[] = [];
  if (serverNoContextTakeover) parameters.push([SERVER_NO_CONTEXT, undefined]);
  if (clientNoContextTakeover) parameters.push([CLIENT_NO_CONTEXT, undefined]);
  if (offer.serverWindow !== undefined || serverMaxWindowBits < MAX_WINDOW_BITS) {
    parameters.push([SERVER_WINDOW, String(serverMaxWindowBits)]);
  }
  if (clientMaxWindowBits < MAX_WINDOW_BITS) {
    parameters.push([CLIENT_WINDOW, String(clientMaxWindowBits)]);
  }
  return {
    agreement: {
      serverNoContextTakeover,
      clientNoContextTakeover,
      serverMaxWindowBits,
      clientMaxWindowBits,
    },
    response: { name: DEFLATE_NAME, parameters },
  };
}

/** Undefined for unknown and repeated parameters, and for values that they can't have (§7.1). */
function parseParameters(parameters: readonly ExtensionParameter[]): Parameters | undefined {
  const parsed: Parameters = {
    serverNoContext: false,
    clientNoContext: false,
    serverWindow: undefined,
    clientWindow: undefined,
  };
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (seen.has(name) || !parseParameter(parsed, name, value)) return undefined;
    seen.add(name);
  }
  return parsed;
}

function parseParameter(parsed: Parameters, name: string, value: string | undefined): boolean {
  const bits = value !== undefined && WINDOW_BITS.test(value) ? Number(value) : undefined;
  switch (name) {
    case SERVER_NO_CONTEXT:
      parsed.serverNoContext = true;
      return value === undefined;
    case CLIENT_NO_CONTEXT:
      parsed.clientNoContext = true;
      return value === undefined;
    case SERVER_WINDOW:
      parsed.serverWindow = bits;
      return bits !== undefined;
    case CLIENT_WINDOW:
      parsed.clientWindow = value === undefined ? true : bits;
      return parsed.clientWindow !== undefined;
    default:
      return false;
  }
}
