/** The hash of the opening handshake (RFC 6455 §1.3). */
import crypto from "node:crypto";

/** SHA-1 of an ASCII text, in Base64. */
export function sha1(text: string): string {
  // One call makes no object that is collected later; other platforms may have none.
  const { hash } = crypto as { hash?: typeof crypto.hash };
  if (hash !== undefined) return hash("sha1", text, "base64");
  return crypto.createHash("sha1").update(text, "latin1").digest("base64");
}
