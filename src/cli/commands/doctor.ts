import { release, type } from "node:os";
import process from "node:process";
import { chooseEngine } from "../../engine/choose-engine.js";
import { type Capabilities, type EngineName, type EngineProbe, engineReport } from "../../index.js";
import { type Command, type ExitCode, jsonOption } from "../command.js";
import { readCommandLine } from "../command-line.js";
import { packageVersion } from "../own-package.js";
import type { Paint } from "../terminal/paint.js";
import type { Terminal } from "../terminal/terminal.js";

const OPTIONS = { json: jsonOption() };

/** What this machine can do. */
export const doctor: Command = {
  name: "doctor",
  summary: "what runs here, which engines there are, and why not",
  usage: "[options]",
  options: OPTIONS,
  run,
};

interface EngineFindings {
  readonly name: EngineName;
  /** `true`, or the reason why not. */
  readonly available: true | string;
  readonly isAutomatic: boolean;
  readonly passedOver: string | undefined;
  readonly probes: readonly EngineProbe[];
  readonly capabilities: Capabilities | undefined;
}

interface Findings {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly kernel: string;
  /** Descriptors that the process may have open; undefined where Node can't tell. */
  readonly openFiles: OpenFiles | undefined;
  /** `HP_SOCKET_ENGINE`. */
  readonly engineWish: string | undefined;
  readonly engines: readonly EngineFindings[];
}

interface OpenFiles {
  readonly soft: number | string;
  readonly hard: number | string;
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const findings = lookAround();
  terminal.print(options.json ? JSON.stringify(findings) : findingsText(findings, terminal.paint));
  return 0;
}

function lookAround(): Findings {
  return {
    version: packageVersion(),
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    kernel: `${type()} ${release()}`,
    openFiles: openFiles(),
    engineWish: process.env["HP_SOCKET_ENGINE"],
    engines: engineReport().map((status) => ({
      ...status,
      capabilities: status.available === true ? chooseEngine(status.name).capabilities : undefined,
    })),
  };
}

/** Node tells limits in its diagnostic report only. */
function openFiles(): OpenFiles | undefined {
  const report: { readonly userLimits?: { readonly open_files?: OpenFiles } } =
    process.report.getReport();
  return report.userLimits?.open_files;
}

function findingsText(findings: Findings, paint: Paint): string {
  const { openFiles: files, engineWish } = findings;
  const rows: (readonly [left: string, right: string])[] = [
    ["hp-socket", findings.version],
    ["node", `${findings.node} on ${findings.platform} ${findings.arch}`],
    ["kernel", findings.kernel],
  ];
  if (files !== undefined) rows.push(["open files", `${files.soft} (at most ${files.hard})`]);
  if (engineWish !== undefined) rows.push(["HP_SOCKET_ENGINE", wishText(findings, paint)]);
  for (const engine of findings.engines) {
    rows.push([`${engine.name}: ${availability(engine, paint)}`, ""]);
    for (const probe of engine.probes) {
      rows.push([`  ${probe.name}`, `${probe.ok ? "ok" : "failed"}: ${probe.detail}`]);
    }
    for (const [name, can] of Object.entries(engine.capabilities ?? {})) {
      rows.push([`  ${name}`, can === true ? "yes" : `no: ${can}`]);
    }
  }
  return rows.map(([left, right]) => `${left.padEnd(20)}${right}`.trimEnd()).join("\n");
}

/** `HP_SOCKET_ENGINE`, and whether that is an engine at all. */
function wishText({ engineWish = "", engines }: Findings, paint: Paint): string {
  const names = ["auto", ...engines.map(({ name }) => name)];
  if (engineWish === "" || names.includes(engineWish)) return engineWish;
  const choice = names.join(", ");
  return paint.yellow(`${engineWish}: there is no such engine, and components fail (${choice})`);
}

function availability(engine: EngineFindings, paint: Paint): string {
  const { available, isAutomatic, passedOver } = engine;
  if (available !== true) return paint.yellow(`not available: ${available}`);
  if (passedOver !== undefined) {
    return paint.yellow(`available, but not taken by auto: ${passedOver}`);
  }
  return paint.green(isAutomatic ? "available (auto takes it)" : "available");
}
