/** What must hold for the head of a request as a whole, and what follows from it. */
import { readFraming } from "../body-framing.js";
import { CONNECTION_OPTION, connectionOptions, persists } from "../connection-options.js";
import { FIELD_KIND } from "../field-kind.js";
import { HOST_FORM, hostForm } from "../host.js";
import { FAULT } from "../parse-fault.js";
import type { RequestHead } from "../request-head.js";
import { targetFormOf } from "../request-target.js";

/**
 * Settles a request whose head was scanned: form of the target, Host, framing, persistence,
 * expectation, upgrade. Returns a fault, or 0.
 */
export function settleRequest(head: RequestHead): number {
  const bytes = head.source;
  const { method, targetStart } = head;
  const targetEnd = targetStart + head.targetEnd - head.methodEnd - 1;
  const form = targetFormOf(bytes, targetStart, targetEnd, method);
  if (form === undefined) return FAULT.targetForm;
  head.targetForm = form;
  const fault = hostFault(head) || readFraming(head);
  if (fault !== 0) return fault;
  if (method === "CONNECT") {
    if (head.hasBody) return FAULT.connectBody;
    // What follows a CONNECT is no request, whether or not there will be a tunnel.
    head.keepAlive = false;
    head.isUpgrade = true;
  } else {
    const options = connectionOptions(head);
    head.keepAlive = persists(head, options);
    head.isUpgrade =
      head.minorVersion === 1 &&
      (options & CONNECTION_OPTION.upgrade) !== 0 &&
      head.hasKind(FIELD_KIND.upgrade);
  }
  head.expectation = head.hasKind(FIELD_KIND.expect) ? expectationOf(head) : "none";
  return 0;
}

/** CONNECT has its host in the target, and HP-Socket's clients, among others, send it without the field (HP §3.7). */
function hostFault(head: RequestHead): number {
  const kind = FIELD_KIND.host;
  if (!head.hasKind(kind)) {
    return head.minorVersion === 1 && head.targetForm !== "authority" ? FAULT.hostMissing : 0;
  }
  if (head.isRepeated(kind)) return FAULT.hostRepeated;
  const form = hostForm(head.source, head.valueStart(kind), head.valueEnd(kind));
  return form === HOST_FORM.malformed ? FAULT.hostSyntax : 0;
}

/**
 * A list (RFC 9110 §10.1.1), in one field or several, of which `100-continue` alone is known. An HTTP/1.0 client can't
 * wait for an interim response.
 */
function expectationOf(head: RequestHead): "none" | "continue" | "unknown" {
  const members = head.getAll("expect").join(",").toLowerCase().split(",");
  const given = members.map(withoutBlank).filter(Boolean);
  if (given.some((member) => member !== "100-continue")) return "unknown";
  return given.length > 0 && head.minorVersion === 1 ? "continue" : "none";
}

/** Of what `trim` takes off, a value can have SP, HTAB and no-break spaces, which are no white space in HTTP. */
function withoutBlank(text: string): string {
  return text.includes("\xa0") ? text : text.trim();
}
