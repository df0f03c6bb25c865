/**
 * The life of a component, as HP-Socket has it (HP §2.0): stopped → starting → started → stopping →
 * stopped. A start that fails goes back to stopped by way of stopping.
 */
import { NetError } from "../../errors.js";

/** States of a component. */
export type ServiceState = "stopped" | "starting" | "started" | "stopping";

/** What moves a component from state to state. */
export type ServiceEvent = "start" | "ready" | "stop" | "finished";

type Transitions = Readonly<
  Record<ServiceState, Readonly<Partial<Record<ServiceEvent, ServiceState>>>>
>;

/** State → event → next state. */
export const SERVICE_TRANSITIONS: Transitions = {
  stopped: { start: "starting" },
  starting: { ready: "started", stop: "stopping" },
  started: { stop: "stopping" },
  stopping: { finished: "stopped" },
};

/** The state after `event`. Throws `INVALID_STATE` for a pair that is not in the table. */
export function nextServiceState(state: ServiceState, event: ServiceEvent): ServiceState {
  const next = SERVICE_TRANSITIONS[state][event];
  if (next === undefined) {
    const message =
      event === "start"
        ? `the component is ${state}: await its stop() before it listens, connects or opens again`
        : `"${event}" is not possible: the component is ${state}`;
    throw new NetError("INVALID_STATE", message, { operation: "configure" });
  }
  return next;
}
