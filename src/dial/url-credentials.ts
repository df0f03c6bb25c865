/** User and password, as URLs have them and as HTTP sends them. */

/** The value of Authorization by RFC 7617, names and passwords as UTF-8. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** Percent signs that stand for nothing stay as they are. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
