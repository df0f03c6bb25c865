/** A certificate as applications see it. */
import type { PeerCertificate } from "node:tls";
import type { TlsPeerCertificate } from "../tls-options.js";

/** `certificate` in the form that Node gives it. */
export function peerCertificateOf(certificate: PeerCertificate): TlsPeerCertificate {
  const { CN: commonName }: { readonly CN?: unknown } = certificate.subject ?? {};
  return {
    commonName: typeof commonName === "string" ? commonName : undefined,
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    subjectAltName: certificate.subjectaltname,
    validFrom: certificate.valid_from,
    validTo: certificate.valid_to,
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    raw: certificate.raw,
  };
}

function nameText(name: object | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : String(value)}`)
    .join(", ");
}
