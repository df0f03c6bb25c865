/** Chromium without a window, that ends with its test. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { TestContext } from "node:test";
import { IS_INTEROP, otherProgram } from "./other-program.js";
import { until } from "./until.js";

/** The browser, or why tests with it are to be skipped. */
export const browser: { readonly program: string; readonly skip: string | false } = IS_INTEROP
  ? otherProgram("chromium", "chromium-browser", "google-chrome")
  : { program: "", skip: 'a browser takes its time; "npm run interop" runs these' };
if (browser.skip !== false) console.log(`# tests with a browser are skipped: ${browser.skip}`);

/** Opens a page, whoever has signed the server's certificate. `words`: more options of the browser's. */
export function openPage(test: TestContext, url: string, words: readonly string[] = []): void {
  const profile = mkdtempSync(join(tmpdir(), "hp-socket-browser-"));
  const child = spawn(
    browser.program,
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
      ...["--no-first-run", "--disable-background-networking", `--user-data-dir=${profile}`],
      ...["--remote-debugging-port=0", "--ignore-certificate-errors", ...words, url],
    ],
    { stdio: "ignore", detached: true },
  );
  test.after(async () => {
    // All processes of the browser are in its group; those that were left would write on.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await until(() => child.exitCode !== null || child.signalCode !== null);
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
}
