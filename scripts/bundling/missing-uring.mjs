// Part of what is published: what stands for the engine uring where its chunk is not found. It is bundled by late-chunk.mjs.

/** The functions of the engine, which say that it can't run. */
export function missingUring(NetError, version) {
  const detail = `the engine's file chunks/uring.cjs is not found: install hp-socket ${version} beside the bundle, and koffi`;
  function unavailable() {
    const text = `the uring engine can't run here: ${detail}`;
    throw new NetError("ENGINE_UNAVAILABLE", text, { operation: "configure" });
  }
  return {
    createUringEngine: unavailable,
    uringEngine: unavailable,
    uringAvailability: () => detail,
    uringProbes: () => [{ name: "foreign calls", ok: false, detail }],
  };
}
