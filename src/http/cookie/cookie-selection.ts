/** Which cookies go with a request, and in which order (RFC 6265 §5.4). Hot: each request asks. */
import type { CookieEntry, CookieIndex } from "./cookie-index.js";
import { type CookieRequest, mayBeSent } from "./cookie-request.js";
import { isAddress, parentDomain, pathMatch } from "./cookie-rules.js";

/** The entries for a request, longest path first, of equal ones the eldest. */
export function selectCookies(index: CookieIndex, request: CookieRequest): CookieEntry[] {
  const selected: CookieEntry[] = [];
  const { host } = request;
  let domain: string | undefined = host;
  while (domain !== undefined) {
    for (const entry of index.inDomain(domain)) {
      const { cookie } = entry;
      if (cookie.hostOnly && domain !== host) continue;
      if (pathMatch(request.path, cookie.path) && mayBeSent(cookie, request)) selected.push(entry);
    }
    domain = isAddress(host) ? undefined : parentDomain(domain);
  }
  return selected.sort(compareForHeader);
}

function compareForHeader(one: CookieEntry, other: CookieEntry): number {
  return (
    other.cookie.path.length - one.cookie.path.length ||
    one.cookie.createdMs - other.cookie.createdMs ||
    one.creationIndex - other.creationIndex
  );
}
