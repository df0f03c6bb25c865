/** What `doctor` shows: each probe, and each reason for which one fails. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import {
  type ForeignFunctions,
  loadForeignFunctions,
} from "#src/engine/uring/ring/foreign-functions.js";
import { runProbes, type UringProbe } from "#src/engine/uring/setup/availability.js";
import { uringAvailability, uringEngine, uringProbes } from "#src/engine/uring/uring-engine.js";
import { openDescriptors } from "../../support/open-descriptors.js";
import { skip, uringTest } from "./uring-case.js";

const NAMES = [
  "platform",
  "foreign calls",
  "ring",
  "operations",
  "receive buffers",
  "round trip",
  "wake-up",
  "ownership",
];

/** Probes with some of the real calls replaced. */
const probesWith = (changes: Partial<ForeignFunctions>): readonly UringProbe[] =>
  runProbes(() => ({ ...loadForeignFunctions(), ...changes }));

const failure = (probes: readonly UringProbe[]): UringProbe | undefined =>
  probes.find(({ ok }) => !ok);

describe("availability", () => {
  it("answers true, or the sentence of the first probe that failed", () => {
    const available = uringAvailability();

    assert.equal(available, failure(uringProbes())?.detail ?? true);
  });

  it("names every probe, those too that could not be tried", () => {
    const probes = runProbes(() => {
      throw new Error("no library");
    });

    assert.deepEqual(
      probes.map(({ name }) => name),
      NAMES,
    );
    assert.match(probes.at(-1)!.detail, /^not tried, because "(platform|foreign calls)" failed$/);
  });

  it("says that koffi is not installed", {
    skip: process.platform === "linux" ? false : "io_uring is Linux's",
  }, () => {
    const probes = runProbes(() => {
      throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
    });

    assert.deepEqual(failure(probes), {
      name: "foreign calls",
      ok: false,
      detail: "the package koffi is not installed",
    });
  });

  it("says why koffi can't be used", {
    skip: process.platform === "linux" ? false : "io_uring is Linux's",
  }, () => {
    const probes = runProbes(() => {
      throw new Error("Cannot find the native module\nmore");
    });

    assert.equal(failure(probes)?.detail, "koffi can't be used: Cannot find the native module");
  });

  it("passes every probe here", { skip }, () => {
    assert.deepEqual(
      uringProbes().map(({ name, ok }) => [name, ok]),
      NAMES.map((name) => [name, true]),
    );
  });

  const { errno } = constants;
  const setUpFailures: readonly (readonly [name: keyof typeof errno, detail: RegExp])[] = [
    ["ENOSYS", /^the kernel has no io_uring, or a security profile hides it \(ENOSYS\)$/],
    ["EPERM", /^io_uring is not permitted: .+ \(EPERM\)$/],
    ["EINVAL", /^the kernel's io_uring is too old: Linux 6\.1 is needed \(EINVAL\)$/],
    ["ENOMEM", /^there is no memory for a ring, or too little may be locked \(ENOMEM\)$/],
    ["EMFILE", /^no file descriptor is left \(EMFILE\)$/],
    ["ENXIO", /^io_uring_setup failed \(ENXIO\)$/],
  ];

  for (const [name, detail] of setUpFailures) {
    uringTest(`gives a sentence for a set-up that fails with ${name}`, () => {
      const probes = probesWith({ setup: () => -errno[name] });

      assert.equal(failure(probes)?.name, "ring");
      assert.match(failure(probes)!.detail, detail);
    });
  }

  uringTest("names the operations that the kernel lacks", () => {
    const probes = probesWith({ register: () => 0 });

    assert.equal(failure(probes)?.name, "operations");
    assert.match(failure(probes)!.detail, /^the kernel lacks ACCEPT, ASYNC_CANCEL, /);
  });

  uringTest("tells of a ring that can't be signalled", () => {
    const probes = probesWith({ eventDescriptor: () => -errno.EMFILE });

    assert.deepEqual(failure(probes), {
      name: "wake-up",
      ok: false,
      detail: "eventfd failed (EMFILE)",
    });
  });

  uringTest("takes the kernel's memory where it takes none of ours, as before Linux 6.10", () => {
    const calls = loadForeignFunctions();
    const NO_MMAP = 1 << 14;

    const probes = runProbes(() => ({
      ...calls,
      setup: (count, params) =>
        (params[2]! & NO_MMAP) === 0 ? calls.setup(count, params) : -errno.EINVAL,
    }));

    assert.equal(failure(probes), undefined);
    assert.match(probes.at(-1)!.detail, /^sockets belong to the process/);
  });

  uringTest("leaves no descriptor behind, whatever happens", () => {
    const before = openDescriptors();

    probesWith({});
    probesWith({ eventDescriptor: () => -errno.EMFILE });
    probesWith({ register: () => -errno.EPERM });

    assert.deepEqual(openDescriptors(), before);
  });

  uringTest("the engine of a thread is made once", () => {
    assert.equal(uringEngine(), uringEngine());
  });
});
