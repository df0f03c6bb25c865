/**
 * What light objects of the web's classes have in common. A light object has what most applications
 * ask for; for all else there is its whole, an object of the platform's, which is made when it is
 * needed. Light classes stand before the prototype of the platform's, so that `instanceof` holds.
 */

/** A class whose objects have a whole. */
export interface LightClass<Light extends object> {
  readonly prototype: Light;
  wholeOf(light: Light): object;
}

/**
 * Puts `light` before the class `platform`: members that it has not are passed on to the whole, and
 * so are the symbols under which Node up to version 22 keeps the state of an object, those that
 * `sample` has: its own functions, `new Request(light)` among them, find there all they look for.
 * `inherited`: members that need nothing but the light object's others.
 */
export function standBefore<Light extends object>(
  light: LightClass<Light>,
  platform: { readonly prototype: object },
  sample: object,
  inherited: readonly PropertyKey[] = [],
): void {
  const { prototype } = light;
  for (const key of Reflect.ownKeys(platform.prototype)) {
    const member = Object.getOwnPropertyDescriptor(platform.prototype, key)!;
    const isOwn = Object.hasOwn(prototype, key);
    if (!isOwn && isPassedOn(member) && !inherited.includes(key)) {
      Object.defineProperty(prototype, key, passedOn(key, member, light));
    } else if (isOwn && key !== "constructor") {
      likeThe(member, prototype, key);
    }
  }
  for (const symbol of Object.getOwnPropertySymbols(sample)) {
    const get = { get: stateGetter(symbol, light), configurable: true };
    Object.defineProperty(prototype, symbol, get);
  }
  for (const name of Object.getOwnPropertyNames(prototype)) {
    // A member that this Node lacks is left out.
    if (!(name in platform.prototype)) Reflect.deleteProperty(prototype, name);
  }
  Object.setPrototypeOf(prototype, platform.prototype);
}

/** A method has the `length` that the platform's has. */
function likeThe(member: PropertyDescriptor, prototype: object, key: PropertyKey): void {
  const { enumerable = false, value } = member;
  Object.defineProperty(prototype, key, { enumerable });
  if (typeof value !== "function") return;
  Object.defineProperty(Reflect.get(prototype, key), "length", { value: value.length });
}

function isPassedOn({ value, get }: PropertyDescriptor): boolean {
  return typeof value === "function" || get !== undefined;
}

function stateGetter<Light extends object>(
  key: PropertyKey,
  { wholeOf }: LightClass<Light>,
): (this: Light) => unknown {
  return function get(this: Light): unknown {
    return Reflect.get(wholeOf(this), key);
  };
}

function passedOn<Light extends object>(
  key: PropertyKey,
  { value, get, enumerable = false }: PropertyDescriptor,
  light: LightClass<Light>,
): PropertyDescriptor {
  if (get !== undefined) return { get: stateGetter(key, light), configurable: true, enumerable };
  const call = value as (...given: unknown[]) => unknown;
  const method = function method(this: Light, ...given: unknown[]): unknown {
    return Reflect.apply(call, light.wholeOf(this), given);
  };
  Object.defineProperty(method, "name", { value: call.name });
  Object.defineProperty(method, "length", { value: call.length });
  return { value: method, configurable: true, enumerable, writable: true };
}
