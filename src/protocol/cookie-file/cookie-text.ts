const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
const LAST_LATIN_1 = 0xff;

/**
 * Whether `text` can stand in a cookie file and in a field of HTTP: Latin-1 without control
 * characters, without spaces at its ends, and without any of the characters of `without`.
 */
export function isCookieText(text: string, without: string): boolean {
  if (text.charCodeAt(0) === SPACE || text.charCodeAt(text.length - 1) === SPACE) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code === DELETE || code > LAST_LATIN_1) return false;
    if (without.includes(text.charAt(index))) return false;
  }
  return true;
}

/**
 * `text` without spaces and tabs at its ends (WSP of RFC 5234). Not `trim`: that takes U+00A0 too,
 * which is the second octet of many a letter in UTF-8 when octets are read as Latin-1.
 */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}
