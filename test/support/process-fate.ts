/** Whether a process would end now: for programs that look at what keeps them alive. */
import process from "node:process";

/** A process that has to end does it at once; nothing tells that it goes on. */
const ENOUGH_MS = 200;
/** Keeps the process alive where its fate is not asked for. */
const hold = setInterval(() => {}, 60_000);

/** `ends` if nothing keeps the process alive, else `goes on`. */
export async function fateOfProcess(): Promise<string> {
  // Node tells its end once for each time that its loop has run.
  await new Promise((resolve) => setImmediate(resolve));
  hold.unref();
  return await new Promise((resolve) => {
    const ends = (): void => is("ends");
    const timer = setTimeout(() => is("goes on"), ENOUGH_MS).unref();
    process.once("beforeExit", ends);
    function is(fate: string): void {
      process.off("beforeExit", ends);
      clearTimeout(timer);
      hold.ref();
      resolve(fate);
    }
  });
}

/** Its fate while `held` is unreferenced, then referenced, then unreferenced again. */
export async function fatesOf(held: { ref(): unknown; unref(): unknown }): Promise<string> {
  held.unref();
  const fates = [await fateOfProcess()];
  held.ref();
  fates.push(await fateOfProcess());
  held.unref();
  fates.push(await fateOfProcess());
  return fates.join(", ");
}

/** Lets the process end. */
export function letGo(): void {
  clearInterval(hold);
}
