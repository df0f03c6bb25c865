/** The parts of a request target (RFC 9112 §3.2), as they were sent. */

/** The path: of an absolute target without scheme and authority; "" for host and port. */
export function pathOf(target: string): string {
  const start = pathStart(target);
  if (start < 0) return "";
  const mark = target.indexOf("?", start);
  const path = target.slice(start, mark < 0 ? target.length : mark);
  return path === "" ? "/" : path;
}

/** The query without "?"; "" where there is none. */
export function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? "" : target.slice(mark + 1);
}

/** Where the path begins; −1 in a target of host and port, as CONNECT has it. */
function pathStart(target: string): number {
  if (target.startsWith("/") || target === "*") return 0;
  const scheme = target.indexOf("://");
  if (scheme < 0) return -1;
  for (let at = scheme + 3; at < target.length; at++) {
    if (target[at] === "/" || target[at] === "?") return at;
  }
  return target.length;
}
