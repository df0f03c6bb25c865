/** Subresource integrity: whether content has one of the hashes that were named for it (W3C SRI §3.3). */
import { createHash } from "node:crypto";

/** From the weakest to the strongest. */
const ALGORITHMS: readonly string[] = ["sha256", "sha384", "sha512"];
const HASH = /^(sha256|sha384|sha512)(?:-([^?]*))?(?:\?.*)?$/i;

interface Hash {
  readonly strength: number;
  readonly digest: string;
}

/**
 * Whether `content` is what `integrity` says: has one of the hashes of the strongest kind among them. Hashes
 * of other kinds are left out; where none is left, any content is intact. A malformed hash matches no content.
 */
export function isIntact(content: Uint8Array, integrity: string): boolean {
  const hashes = integrity
    .split(/[\t\n\f\r ]+/)
    .map(hashOf)
    .filter((hash) => hash !== undefined);
  const strength = Math.max(...hashes.map((hash) => hash.strength));
  const algorithm = ALGORITHMS[strength];
  if (algorithm === undefined) return true;
  const digest = createHash(algorithm).update(content).digest("base64");
  return hashes.some(
    (hash) => hash.strength === strength && hash.digest === withoutPadding(digest),
  );
}

function hashOf(text: string): Hash | undefined {
  const [, algorithm, digest = ""] = HASH.exec(text) ?? [];
  if (algorithm === undefined) return undefined;
  const strength = ALGORITHMS.indexOf(algorithm.toLowerCase());
  return { strength, digest: withoutPadding(digest.replaceAll("-", "+").replaceAll("_", "/")) };
}

function withoutPadding(digest: string): string {
  return digest.replace(/=+$/, "");
}
