import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  acceptErrorKind,
  datagramErrorKind,
  errnoNameOf,
  systemError,
} from "#src/engine/system-error.js";
import type { NetErrorCode, Operation } from "#src/errors.js";

const CODES: readonly (readonly [string, Operation, NetErrorCode])[] = [
  ["EADDRINUSE", "listen", "ADDRESS_IN_USE"],
  ["EADDRNOTAVAIL", "listen", "ADDRESS_NOT_AVAILABLE"],
  ["EAFNOSUPPORT", "connect", "ADDRESS_NOT_AVAILABLE"],
  ["EACCES", "listen", "ACCESS_DENIED"],
  ["EPERM", "send", "ACCESS_DENIED"],
  ["ENOTFOUND", "resolve", "HOST_NOT_FOUND"],
  ["EAI_NODATA", "resolve", "HOST_NOT_FOUND"],
  ["EAI_AGAIN", "resolve", "RESOLVE_FAILED"],
  ["EAI_SYSTEM", "resolve", "RESOLVE_FAILED"],
  ["EHOSTUNREACH", "connect", "HOST_UNREACHABLE"],
  ["ENETUNREACH", "connect", "HOST_UNREACHABLE"],
  ["ENETDOWN", "send", "HOST_UNREACHABLE"],
  ["EHOSTDOWN", "connect", "HOST_UNREACHABLE"],
  ["ECONNREFUSED", "connect", "CONNECTION_REFUSED"],
  ["ENOENT", "connect", "CONNECTION_REFUSED"],
  ["ENOENT", "listen", "ADDRESS_NOT_AVAILABLE"],
  ["ECONNRESET", "receive", "CONNECTION_RESET"],
  ["EACCES", "receive", "HOST_UNREACHABLE"],
  ["ENOPROTOOPT", "receive", "HOST_UNREACHABLE"],
  ["EPIPE", "send", "CONNECTION_RESET"],
  ["ECONNABORTED", "receive", "CONNECTION_RESET"],
  ["ETIMEDOUT", "receive", "SYSTEM_TIMEOUT"],
  ["EMFILE", "accept", "DESCRIPTORS_EXHAUSTED"],
  ["ENFILE", "accept", "DESCRIPTORS_EXHAUSTED"],
  ["ENOBUFS", "send", "NO_BUFFERS"],
  ["ENOMEM", "connect", "NO_BUFFERS"],
  ["EDOM", "send", "SYSTEM_ERROR"],
];

describe("system errors", () => {
  for (const [name, operation, code] of CODES) {
    test(`maps ${name} during ${operation} to ${code}`, () => {
      const cause = new Error("from the system");

      const error = systemError(name, operation, cause, "192.0.2.1:80");

      assert.equal(error.code, code);
      assert.equal(error.operation, operation);
      assert.equal(error.systemCode, name);
      assert.equal(error.cause, cause);
      assert.match(error.message, new RegExp(`: 192\\.0\\.2\\.1:80 \\(${name}\\)$`));
    });
  }

  test("reads the system's name from an error's code, never from its message", () => {
    const named = Object.assign(new Error("connect ECONNREFUSED"), { code: "EACCES" });

    assert.equal(errnoNameOf(named), "EACCES");
    assert.equal(errnoNameOf(new Error("connect ECONNREFUSED")), "UNKNOWN");
    assert.equal(errnoNameOf("ECONNREFUSED"), "UNKNOWN");
  });

  test("takes no answer of the network's for the end of a datagram socket: anybody can write one", () => {
    // What Linux makes of ICMP (icmp_err_convert) and of ICMPv6 (icmpv6_err_convert).
    const icmp =
      "ENETUNREACH EHOSTUNREACH ENOPROTOOPT ECONNREFUSED EOPNOTSUPP EHOSTDOWN ENONET EPROTO EACCES EMSGSIZE";
    for (const name of icmp.split(" ")) assert.equal(datagramErrorKind(name), "refusal", name);
    assert.equal(datagramErrorKind("ENOBUFS"), "passing");
    assert.equal(datagramErrorKind("EBADF"), "fatal");
  });

  test("tells accept errors of one peer from those that pass and those that break the listener", () => {
    assert.equal(acceptErrorKind("ECONNABORTED"), "peer");
    assert.equal(acceptErrorKind("EPROTO"), "peer");
    assert.equal(acceptErrorKind("EMFILE"), "exhausted");
    assert.equal(acceptErrorKind("ENOMEM"), "exhausted");
    assert.equal(acceptErrorKind("EBADF"), "fatal");
  });
});
