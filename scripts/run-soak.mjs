// Runs the soak on every engine of this machine: `npm run soak -- [--seconds 600] [--connections N] [--tls]`.
// The buffers of io_uring are watched (HP_SOCKET_URING_DEBUG).
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { engineReport } from "hp-socket";

const program = fileURLToPath(new URL("../build/test/soak/soak.js", import.meta.url));
for (const { name, available } of engineReport()) {
  if (available !== true) {
    console.log(`soak: ${name} is left out: ${available}`);
    continue;
  }
  console.log(`soak: ${name}`);
  const { status } = spawnSync(
    process.execPath,
    ["--expose-gc", program, "--engine", name, ...process.argv.slice(2)],
    { stdio: "inherit", env: { ...process.env, HP_SOCKET_URING_DEBUG: "1" } },
  );
  if (status !== 0) process.exit(status ?? 1);
}
