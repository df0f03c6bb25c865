/** What can be the host of an address: a name or an IP address, and nothing else. */
import { assertText, describe, invalidArgument } from "../errors.js";
import { parseIp } from "./ip-bytes.js";

/** Of `host`: a name or an address. A port or a scheme in it is refused before it is looked up. */
export function assertHost(name: string, value: unknown): void {
  assertText(name, value);
  const host = (value as string).replace(/%.*$/, "");
  if (!/[\s/@]/.test(host) && (!host.includes(":") || parseIp(host) !== undefined)) return;
  throw invalidArgument(
    `${name} must be a name or an IP address, without scheme, port or brackets, not ${describe(value)}`,
  );
}
