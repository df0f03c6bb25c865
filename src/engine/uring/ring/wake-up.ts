/**
 * Wakes the thread's event loop when the ring has something. With DEFER_TASKRUN the ring's own
 * descriptor can't be polled; an event descriptor (eventfd) registered with the ring can, and Node
 * polls and reads it for us (see `kept-descriptor.ts`), calling back in a proper callback scope.
 */
import type { ForeignFunctions } from "./foreign-functions.js";
import { KeptDescriptor } from "./kept-descriptor.js";
import { REGISTER_EVENT_DESCRIPTOR } from "./kernel-interface.js";
import { callError } from "./system-call-error.js";

/** An event is a count of 8 bytes. More room than that tells libuv that one read was enough. */
const EVENT_BUFFER_BYTES = 64;

/**
 * Wakes the thread's event loop when the ring has something. Keeps the process alive while at least one `hold` is in
 * force.
 */
export class WakeUp {
  private readonly kept: KeptDescriptor;
  private holdCount = 0;

  constructor(calls: ForeignFunctions, ring: number, onWake: () => void) {
    const source = calls.eventDescriptor();
    if (source < 0) throw callError(source, "configure", "eventfd");
    this.kept = new KeptDescriptor(calls, source, {
      buffer: new Uint8Array(EVENT_BUFFER_BYTES),
      callback: () => {
        onWake();
        return true;
      },
    });
    const argument = Int32Array.of(this.kept.descriptor);
    const registered = calls.register(ring, REGISTER_EVENT_DESCRIPTOR, argument, 1);
    if (registered < 0) {
      this.close();
      throw callError(registered, "configure", "registering the event descriptor");
    }
  }

  /** Keeps the process alive until {@link release}. */
  hold(): void {
    if (this.holdCount++ === 0) this.kept.ref();
  }

  /** Takes one `hold` back. */
  release(): void {
    if (--this.holdCount === 0) this.kept.unref();
  }

  close(): void {
    this.kept.close();
  }
}
