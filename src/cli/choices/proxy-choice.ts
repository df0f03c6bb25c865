import { CidrSet } from "../../address/cidr-set.js";
import { UsageError } from "../command-line.js";

/** Throws `UsageError` for what is no network. */
export function assertNetwork(text: string, name: string): void {
  try {
    new CidrSet([text]);
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`);
  }
}

/** Throws `UsageError`, without what was typed, for what is no name with a password. */
export function assertUser(text: string, name: string): void {
  if (text.indexOf(":") < 1) throw new UsageError(`${name} must be NAME:PASSWORD`);
}

/** The table of names and passwords; undefined where there are none. */
export function usersOf(users: readonly string[]): Record<string, string> | undefined {
  if (users.length === 0) return undefined;
  return Object.fromEntries(
    users.map((user) => {
      const colon = user.indexOf(":");
      return [user.slice(0, colon), user.slice(colon + 1)];
    }),
  );
}
