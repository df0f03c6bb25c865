import process from "node:process";
import { NetError } from "#src/errors.js";

/** The next process warning of ours: other tests of the process make Node warn of what is experimental. */
export function netWarning(): Promise<NetError> {
  return new Promise((resolve) => {
    const look = (warning: Error): void => {
      if (!(warning instanceof NetError)) return;
      process.off("warning", look);
      resolve(warning);
    };
    process.on("warning", look);
  });
}
