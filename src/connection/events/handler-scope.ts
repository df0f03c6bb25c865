/**
 * The async context in which the handlers of a component run: that in which it was made, as with Node's
 * own servers. The engine calls in a context of its own; where the two are the same, nothing is switched.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { inRootContext } from "../../time/root-context.js";

/** Fields of Node's resources that are each resource's own. */
const OWN_FIELDS: readonly unknown[] = ["async_id_symbol", "trigger_async_id_symbol", "destroyed"];

/** Node keeps the stores of a context in fields of its resources. */
function storesOf(resource: AsyncResource): unknown[] {
  const fields = resource as unknown as Record<symbol, unknown>;
  return Object.getOwnPropertySymbols(resource)
    .filter(({ description }) => !OWN_FIELDS.includes(description))
    .map((symbol) => fields[symbol])
    .filter((store) => store !== undefined);
}

const resourceHere = (): AsyncResource => new AsyncResource("HPSOCKET");

/** Whether this version of Node keeps stores there; else contexts can't be compared. Tried with the first component. */
let hasStores: boolean | undefined;

/** A store that was entered makes Node follow every promise of the process, until it is disabled. */
function showsStores(storage: AsyncLocalStorage<number>): boolean {
  const isShown = storage.run(1, () => storesOf(resourceHere()).length > 0);
  storage.disable();
  return isShown;
}

/** The present context; undefined where it is the engines' own. */
export function handlerScope(): AsyncResource | undefined {
  const here = resourceHere();
  hasStores ??= showsStores(new AsyncLocalStorage<number>());
  if (!hasStores) return here;
  const stores = storesOf(here);
  const root = storesOf(inRootContext(resourceHere));
  const isRoot = stores.length === root.length && stores.every((store, at) => store === root[at]);
  return isRoot ? undefined : here;
}
