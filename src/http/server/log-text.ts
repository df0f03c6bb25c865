/**
 * Parts of lines of access logs. What a peer has sent can't end a line, nor a part of one: everything but visible ASCII is
 * escaped, and long parts are cut.
 */
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;
const NOT_VISIBLE = /[^\x20-\x7e]/g;

/** What a part is cut to; it shows that it was. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}

/** A part as the Combined Log Format has it, without what could end it. */
export function plain(text: string): string {
  return text.replace(NOT_PLAIN, escaped);
}

/** As Apache has it. */
function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** An object as a line. */
export function jsonText(object: object): string {
  return `${JSON.stringify(object).replace(NOT_VISIBLE, escapedInJson)}\n`;
}

function escapedInJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Milliseconds without more digits than anybody can measure. */
export function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}

/** A moment as the Combined Log Format has it, in UTC. */
export function timeText(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${day}:${time} +0000`;
}
