/**
 * The syntax of chunk extensions (RFC 9112 §7.1.1), one octet at a time:
 *
 *     *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
 *
 *     between ── ";" ──► beforeName ── tchar ──► inName ── BWS ──► afterName
 *        ▲  ▲                                      │  ";" or "="     │
 *    BWS │  │ ";": beforeName                      ▼                 ▼
 *        │  └── inToken ◄── tchar ── beforeValue ◄───────── "=" ─────┘
 *        │                                  │ DQUOTE
 *        └───── afterQuoted ◄── DQUOTE ── inQuoted ◄──► afterBackslash
 *
 * White space is taken only where another part follows, as the grammar has it.
 */
import {
  BACKSLASH,
  EQUALS,
  FIELD_TEXT,
  HTAB,
  QUOTE,
  QUOTED_TEXT,
  SEMICOLON,
  SP,
  TOKEN,
} from "../character-table.js";

/** The state before a ";", where white space may stand already. */
export const EXTENSION_BETWEEN: number = 0;
/** The octet may not stand there. */
export const EXTENSION_ERROR: number = -1;

const BEFORE_NAME = 1;
const IN_NAME = 2;
const AFTER_NAME = 3;
const BEFORE_VALUE = 4;
const IN_TOKEN = 5;
const IN_QUOTED = 6;
const AFTER_BACKSLASH = 7;
const AFTER_QUOTED = 8;

/** Whether the line may end in this state. */
export function mayEndExtension(state: number): boolean {
  return state === IN_NAME || state === IN_TOKEN || state === AFTER_QUOTED;
}

/** The state behind `octet`, or {@link EXTENSION_ERROR}. */
export function nextExtensionState(state: number, octet: number): number {
  const isBlank = octet === SP || octet === HTAB;
  switch (state) {
    case BEFORE_NAME:
      if (isBlank) return BEFORE_NAME;
      return TOKEN[octet] === 1 ? IN_NAME : EXTENSION_ERROR;
    case IN_NAME:
    case AFTER_NAME:
      if (state === IN_NAME && TOKEN[octet] === 1) return IN_NAME;
      if (isBlank) return AFTER_NAME;
      return octet === EQUALS ? BEFORE_VALUE : separator(octet);
    case BEFORE_VALUE:
      if (isBlank) return BEFORE_VALUE;
      if (octet === QUOTE) return IN_QUOTED;
      return TOKEN[octet] === 1 ? IN_TOKEN : EXTENSION_ERROR;
    case IN_QUOTED:
      if (octet === QUOTE) return AFTER_QUOTED;
      if (octet === BACKSLASH) return AFTER_BACKSLASH;
      return QUOTED_TEXT[octet] === 1 ? IN_QUOTED : EXTENSION_ERROR;
    case AFTER_BACKSLASH:
      return FIELD_TEXT[octet] === 1 ? IN_QUOTED : EXTENSION_ERROR;
    default:
      if (state === IN_TOKEN && TOKEN[octet] === 1) return IN_TOKEN;
      return isBlank ? EXTENSION_BETWEEN : separator(octet);
  }
}

function separator(octet: number): number {
  return octet === SEMICOLON ? BEFORE_NAME : EXTENSION_ERROR;
}
