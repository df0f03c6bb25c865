/**
 * What tests of programs that use this library need: an engine without a kernel, whose network a
 * script decides, a clock that is moved by hand, and certificates that are made on the spot.
 */

export { MemoryEngine, type MemoryEngineOptions } from "../engine/memory/memory-engine.js";
export type {
  ConnectFate,
  DatagramFate,
  DatagramRates,
  MemoryNetwork,
  MemoryNetworkOptions,
  MemoryTraffic,
} from "../engine/memory/memory-network.js";
export type { Random } from "../engine/memory/seeded-random.js";
export { seededRandom } from "../engine/memory/seeded-random.js";
export {
  type LinkCounts,
  type LinkOptions,
  SimulatedLink,
} from "../engine/memory/simulated-link.js";
export { NetError } from "../errors.js";
export type * from "../public-types.js";
export { type Clock, ManualClock, systemClock, type Timer } from "../time/clock.js";
export {
  type SelfSignedCertificate,
  type SelfSignedCertificateOptions,
  selfSignedCertificate,
} from "./self-signed-certificate.js";
