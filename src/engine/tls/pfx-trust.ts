/**
 * Whom a context trusts that has its certificate out of a PFX. A PFX brings the authorities of its certificate, to be
 * shown with it; Node trusts them as well, as if they were in `ca`. So a context that has to verify peers gets the trust of
 * one with the same rules and without the PFX. Only OpenSSL itself can do that: where it can't be called, such a PFX is refused.
 */
import type { SecureContext, SecureContextOptions } from "node:tls";
import { NetError } from "../../errors.js";
import { tlsModule } from "../built-in.js";
import { opensslAvailability, tlsLibrary } from "../openssl/availability.js";
import { contextAddress } from "../openssl/native-context.js";
import type { OpenSslFunctions } from "../openssl/openssl-functions.js";

/** Takes what a PFX has brought out of the trust of `context`, which was made with `options`. */
export function distrustPfx(
  context: SecureContext,
  options: SecureContextOptions,
  functions: OpenSslFunctions | null = availableFunctions(),
): void {
  const { pfx, passphrase, cert: _cert, key: _key, ...rules } = options;
  const { createSecureContext } = tlsModule();
  if (functions !== null) {
    const trusted = contextAddress(createSecureContext(rules));
    functions.contextSet1Store(contextAddress(context), functions.contextGet0Store(trusted));
    return;
  }
  const alone = createSecureContext({
    ca: [],
    ...(pfx !== undefined && { pfx }),
    ...(passphrase !== undefined && { passphrase }),
  });
  if (issuerOf(alone) === null) return;
  const text =
    "tls: pfx brings authorities, which Node would trust beside ca: give cert and key in PEM, or install koffi";
  throw new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
}

function availableFunctions(): OpenSslFunctions | null {
  return opensslAvailability() === true ? tlsLibrary().functions : null;
}

/** Who has issued the certificate of a context that trusts nobody: found among what came with it, or null. */
function issuerOf(context: SecureContext): unknown {
  const native: { getIssuer?: () => unknown } = context.context;
  return native.getIssuer?.() ?? null;
}
