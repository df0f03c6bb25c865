/** An nginx of its own for a test, in a folder of its own, that ends with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "./free-port.js";
import { until } from "./until.js";

/** An nginx that listens. */
export interface NginxServer {
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** Its folder; `html` in it is served. */
  readonly folder: string;
}

const ATTEMPT_COUNT = 5;

/**
 * Starts nginx. `server`: the lines of its server block, in which `PORT` and `FOLDER` stand for what
 * they say; `files`: by their paths in the folder.
 */
export async function nginxServer(
  test: TestContext,
  server: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<NginxServer> {
  const folder = mkdtempSync(join(tmpdir(), "hp-socket-nginx-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "html"));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  // Nginx takes no port 0, and the port that was free a moment ago may be taken now.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    writeFileSync(join(folder, "nginx.conf"), configuration(folder, port, server));
    const child = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let complaints = "";
    child.stderr.on("data", (bytes: Buffer) => {
      complaints += bytes;
    });
    test.after(() => ended(child));
    await until(() => child.exitCode !== null || complaints.includes("start worker"));
    if (child.exitCode === null) return { port, origin: `http://127.0.0.1:${port}`, folder };
    if (attempt === ATTEMPT_COUNT) throw new Error(`nginx does not start: ${complaints}`);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await until(() => child.exitCode !== null || child.signalCode !== null);
}

function configuration(folder: string, port: number, server: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join("\n");
  return `daemon off; pid ${folder}/nginx.pid; error_log stderr notice;
worker_processes 1; ${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http {
  access_log off; ${temporary}
  types { text/plain txt; application/octet-stream bin; }
  ${server.replaceAll("PORT", String(port)).replaceAll("FOLDER", folder)}
}
`;
}
