// Runs our HTTP, WebSockets and proxies with other people's programs: `npm run interop`. What is missing of the
// packages below is installed by apt-get, where there is one; it needs the rights to do so. Then the package is
// tried as projects of five kinds use it.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Packages of Debian, by the program that is looked for. */
const PACKAGES = {
  curl: "curl",
  openssl: "openssl",
  nginx: "nginx",
  chromium: "chromium",
  "gnutls-cli": "gnutls-bin",
  ip: "iproute2",
  nft: "nftables",
  ncat: "ncat",
  tinyproxy: "tinyproxy",
  danted: "dante-server",
  microsocks: "microsocks",
};

// Servers are there, which not everybody has in the path.
process.env.PATH = `${process.env.PATH}:/usr/sbin`;

const isThere = (program) =>
  spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;

function run(program, ...words) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, error } = spawnSync(program, words, { stdio: "inherit", env });
  if (error !== undefined) console.error(`interop: ${program} can't be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Packages of Debian, by the module of Python that is looked for. */
const MODULES = { websockets: "python3-websockets", autobahn: "python3-autobahn" };

const hasModule = (module) =>
  spawnSync("/usr/bin/python3", ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;

const missing = [
  ...Object.entries(PACKAGES).filter(([program]) => !isThere(program)),
  ...Object.entries(MODULES).filter(([module]) => !hasModule(module)),
];
if (missing.length > 0) {
  const packages = missing.map(([, name]) => name);
  console.log(`interop: installing ${packages.join(", ")}`);
  run("apt-get", "update", "-q");
  run("apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages);
}
process.env.HP_SOCKET_INTEROP = "1";
const tests = fileURLToPath(new URL("run-tests.mjs", import.meta.url));
run(process.execPath, tests, "interop/", "http-server-peers", "tls-openssl");
run(process.execPath, fileURLToPath(new URL("try-package.mjs", import.meta.url)));
