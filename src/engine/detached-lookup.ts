/**
 * Addresses of host names by the system's resolver, on threads of the C library's own (`getaddrinfo_a`). A look-up in
 * Node's pool can't be called off, and holds the process until the resolver gives up; these hold it only while a
 * caller waits. They need koffi, and glibc 2.34, in which the function is part of the library that every process has.
 *
 * A look-up has a block of memory outside of V8's, which the C library reads and writes until it is done. When the
 * thread ends before, the block stays.
 *
 *     0   request: name, service, hints, result, state     56  list of one pointer, to the request
 *     64  hints                                             112 the name
 */
import process from "node:process";
import { domainToASCII } from "node:url";
import { formatIpv4, formatIpv6 } from "../bytes/ip-bytes.js";
import type { ResolvedHost } from "./engine.js";
import { loadKoffi } from "./koffi.js";

const LIST = 56;
const HINTS = 64;
const NAME = 112;
const BLOCK_BYTES = 512;

/** Fields of `struct addrinfo`, and of the socket addresses that it points to. */
const INFO_BYTES = 48;
const SOCKET_TYPE = 8;
const FAMILY = 4;
const ADDRESS = 24;
const NEXT = 40;
const RESULT = 24;
const SOCKET_ADDRESS_BYTES = 28;
const IPV4_AT = 4;
const IPV6_AT = 8;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;

const NO_WAIT = 1;
const IN_PROGRESS = -100;

/** Error numbers of getaddrinfo, as Node names them. */
const PROBLEMS: Readonly<Record<number, string>> = {
  [-2]: "ENOTFOUND",
  [-3]: "EAI_AGAIN",
  [-4]: "EAI_FAIL",
  [-5]: "ENOTFOUND",
  [-9]: "ENOTFOUND",
  [-10]: "EAI_MEMORY",
  [-11]: "EAI_SYSTEM",
};

/** How long to wait before it is asked again whether a look-up is done. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 25;

interface Calls {
  start(list: number): number;
  state(request: number): number;
  freeResult(result: number): void;
  allocate(byteCount: number): number;
  free(address: number): void;
  view(address: number, byteCount: number): Buffer;
}

/** The calls; undefined where they are missing. */
function loadCalls(): Calls | undefined {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) return undefined;
  try {
    const koffi = loadKoffi();
    const library = koffi.load(null);
    const bind = (prototype: string): ((...args: number[]) => number) =>
      library.func(prototype) as (...args: number[]) => number;
    const start = bind("int getaddrinfo_a(int mode, uintptr_t list, int count, uintptr_t event)");
    return {
      start: (list) => start(NO_WAIT, list, 1, 0),
      state: bind("int gai_error(uintptr_t request)"),
      freeResult: bind("void freeaddrinfo(uintptr_t result)"),
      allocate: bind("uintptr_t malloc(size_t byteCount)"),
      free: bind("void free(uintptr_t address)"),
      view: (address, byteCount) => Buffer.from(koffi.view(BigInt(address), byteCount)),
    };
  } catch {
    // Without them Node's own look-ups serve.
    return undefined;
  }
}

/** One look-up under way. */
export class DetachedLookup {
  readonly hosts: Promise<readonly ResolvedHost[]>;
  private readonly calls: Calls;
  private readonly block: number;
  private timer: NodeJS.Timeout | undefined;
  private isHolding = true;
  private waitMs = FIRST_WAIT_MS;

  /** Throws an error with a `code`, like Node's, when none can be started. */
  constructor(calls: Calls, host: string) {
    this.calls = calls;
    this.block = calls.allocate(BLOCK_BYTES);
    describe(calls.view(this.block, BLOCK_BYTES), this.block, host);
    const problem = calls.start(this.block + LIST);
    if (problem !== 0) {
      calls.free(this.block);
      throw problemOf(problem);
    }
    this.hosts = new Promise((resolve, reject) => {
      this.ask(resolve, reject);
    });
  }

  /** Sets whether it keeps the process alive: while a caller waits. */
  hold(isWanted: boolean): void {
    this.isHolding = isWanted;
    if (isWanted) this.timer?.ref();
    else this.timer?.unref();
  }

  private ask(
    resolve: (hosts: readonly ResolvedHost[]) => void,
    reject: (error: Error) => void,
  ): void {
    const state = this.calls.state(this.block);
    if (state === IN_PROGRESS) {
      this.timer = setTimeout(() => this.ask(resolve, reject), this.waitMs);
      this.hold(this.isHolding);
      this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
      return;
    }
    this.timer = undefined;
    if (state === 0) resolve(this.take());
    else reject(problemOf(state));
    this.calls.free(this.block);
  }

  /** The addresses that were found, each once. */
  private take(): ResolvedHost[] {
    const calls = this.calls;
    const hosts: ResolvedHost[] = [];
    const first = addressAt(calls.view(this.block, BLOCK_BYTES), RESULT);
    for (let at = first; at !== 0; ) {
      const info = calls.view(at, INFO_BYTES);
      const host = hostOf(calls, info);
      if (host !== undefined && !hosts.some((other) => other.host === host.host)) hosts.push(host);
      at = addressAt(info, NEXT);
    }
    if (first !== 0) calls.freeResult(first);
    return hosts;
  }
}

function describe(block: Buffer, at: number, host: string): void {
  block.fill(0);
  block.writeBigUInt64LE(BigInt(at + NAME), 0);
  block.writeBigUInt64LE(BigInt(at + HINTS), 16);
  block.writeBigUInt64LE(BigInt(at), LIST);
  block.writeInt32LE(SOCK_STREAM, HINTS + SOCKET_TYPE);
  block.write(host, NAME, "latin1");
}

function addressAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function hostOf(calls: Calls, info: Buffer): ResolvedHost | undefined {
  const family = info.readInt32LE(FAMILY);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const name = calls.view(addressAt(info, ADDRESS), SOCKET_ADDRESS_BYTES);
  return family === AF_INET
    ? { host: formatIpv4(name, IPV4_AT), family: "IPv4" }
    : { host: formatIpv6(name, IPV6_AT), family: "IPv6" };
}

function problemOf(number: number): Error {
  const code = PROBLEMS[number] ?? "EAI_FAIL";
  return Object.assign(new Error(`getaddrinfo ${code}`), { code, syscall: "getaddrinfo" });
}

let loaded: { readonly calls: Calls | undefined } | undefined;

/** Whether look-ups need none of Node's threads. */
export function canDetach(): boolean {
  loaded ??= { calls: loadCalls() };
  return loaded.calls !== undefined;
}

/** Starts a look-up; undefined where this system has none of this kind. Throws like {@link DetachedLookup}. */
export function detachedLookup(host: string): DetachedLookup | undefined {
  if (!canDetach()) return undefined;
  const name = /^[\x21-\x7e]*$/.test(host) ? host : domainToASCII(host);
  // No such name, and nothing that the C library could be given.
  if (name === "" || name.includes("\0")) throw problemOf(-2);
  return new DetachedLookup(loaded!.calls!, name);
}
