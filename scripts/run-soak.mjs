// Runs the soak on every engine of this machine: `npm run soak -- [--seconds 600] [--connections N] [--tls]`.
// `-- --all [--seconds 600] [--lives N]`: all components at once. The buffers of io_uring are watched
// (HP_SOCKET_URING_DEBUG).
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { engineReport } from "hp-socket";

const given = process.argv.slice(2).filter((word) => word !== "--all");
const name = process.argv.includes("--all") ? "components" : "soak";
const program = fileURLToPath(new URL(`../build/test/soak/${name}.js`, import.meta.url));
for (const { name: engine, available } of engineReport()) {
  if (available !== true) {
    console.log(`soak: ${engine} is left out: ${available}`);
    continue;
  }
  console.log(`soak: ${engine}`);
  const { status } = spawnSync(
    process.execPath,
    ["--expose-gc", program, "--engine", engine, ...given],
    { stdio: "inherit", env: { ...process.env, HP_SOCKET_URING_DEBUG: "1" } },
  );
  if (status !== 0) process.exit(status ?? 1);
}
