/** Which coding a response gets: what the peer accepts (RFC 9110 §12.5.3), in the order that the server prefers. */

/** A content coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type ContentCoding = "br" | "zstd" | "gzip" | "deflate";

/** Characters of Accept-Encoding that are looked at; browsers send some 25. */
export const MAX_ACCEPT_ENCODING: number = 1_024;

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/**
 * The coding; undefined for none. `values`: of all fields Accept-Encoding. A peer that sends none, or more
 * than {@link MAX_ACCEPT_ENCODING} characters, gets the content as it is.
 */
export function chooseCoding(
  values: readonly string[],
  offered: readonly ContentCoding[],
): ContentCoding | undefined {
  const text = values.join(",");
  if (text === "" || text.length > MAX_ACCEPT_ENCODING) return undefined;
  const weights = weightsIn(text.toLowerCase());
  let best: ContentCoding | undefined;
  let bestWeight = 0;
  for (const coding of offered) {
    const weight = weightOf(coding, weights);
    if (weight <= bestWeight) continue;
    best = coding;
    bestWeight = weight;
  }
  return (weights.get("identity") ?? 0) > bestWeight ? undefined : best;
}

function weightOf(coding: ContentCoding, weights: ReadonlyMap<string, number>): number {
  const own = weights.get(coding) ?? (coding === "gzip" ? weights.get("x-gzip") : undefined);
  return own ?? weights.get("*") ?? 0;
}

/** Coding → weight. What is malformed is passed over. */
function weightsIn(text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const element of text.split(",")) {
    const [name = "", parameter, ...more] = element.split(";").map((part) => part.trim());
    if (name === "" || more.length > 0 || weights.has(name)) continue;
    const weight = parameter === undefined ? "1" : WEIGHT.exec(parameter)?.[1];
    if (weight !== undefined) weights.set(name, Number(weight));
  }
  return weights;
}
