/** The descriptor of an outgoing connection, with its options set and its local side bound. */
import type { ConnectTarget } from "../../engine.js";
import { setOptions } from "../../option-calls.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { encodeAddress, FAMILY_IPV6, familyOf } from "./socket-address.js";
import { localOptions, streamOptions } from "./socket-options.js";

const SOCK_STREAM = 1;

function localBytes(target: ConnectTarget): Uint8Array | undefined {
  const { address, localHost, localPort } = target;
  if ("path" in address || (localHost === undefined && !localPort)) return undefined;
  const isIpv6 = familyOf(address) === FAMILY_IPV6;
  return encodeAddress({
    host: localHost ?? (isIpv6 ? "::" : "0.0.0.0"),
    port: localPort ?? 0,
    family: isIpv6 ? "IPv6" : "IPv4",
  });
}

/** Returns the descriptor, or the negative error number. Throws `INVALID_ARGUMENT` on misuse. */
export function openOutgoing(calls: ForeignFunctions, target: ConnectTarget): number {
  const local = localBytes(target);
  const descriptor = calls.socket(familyOf(target.address), SOCK_STREAM);
  if (descriptor < 0) return descriptor;
  let result = 0;
  if (!("path" in target.address)) {
    result = setOptions(calls, descriptor, streamOptions(target.stream));
  }
  if (result >= 0 && local !== undefined) {
    result = setOptions(calls, descriptor, localOptions(target.localPort ?? 0));
    if (result >= 0) result = calls.bind(descriptor, local);
  }
  if (result >= 0) return descriptor;
  calls.close(descriptor);
  return result;
}
