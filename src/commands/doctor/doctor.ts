import type { Paint, Tone } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { outputLook } from "../../cli/table.ts";
import { isInteractive, out, outJson, say, talk } from "../../cli/talk.ts";
import { hangingLines } from "../../cli/text.ts";
import { findSeedPlugins, findSeedSources } from "../../config/older-tools.ts";
import { opencodeFolder, opencodePlace, readOpencodeConfigs } from "../../config/opencode-configs.ts";
import { EXIT, type Problem } from "../../core/problem.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { counted } from "../../core/text.ts";
import { readCooldowns } from "../state.ts";
import { checkFolders, checkOtherFiles } from "./check-files.ts";
import { checkChains, checkKeys, checkQuotas } from "./check-keys.ts";
import {
  checkOpencode,
  checkOpencodeConfig,
  checkOtherAgents,
  checkPlugin,
  checkProject,
} from "./check-opencode.ts";
import {
  checkAddresses,
  checkClock,
  checkEnvironment,
  checkProvider,
  probeAll,
  usableProviders,
} from "./check-providers.ts";
import { type DoctorContext, type Finding, note, readContext } from "./doctor-context.ts";

const DOCTOR_ARGS = {
  offline: { type: "boolean", description: "Send no request to any provider" },
  fix: { type: "boolean", description: "Apply the available fixes without a confirmation" },
  json: { type: "boolean", description: 'Print {"ok",checks:[{"check","level","what","fix"}]}' },
} satisfies ArgDefs;

export const doctorCommand = defineCommand({
  name: "doctor",
  about: "Find problems and their fixes; exit 1 if there are any",
  examples: [
    { line: "orouter doctor", does: "checks opencode, files and keys, and sends each provider one request" },
    { line: "orouter doctor --fix", does: "also fixes what it can, without a question" },
    { line: "orouter doctor --offline", does: "the same checks without any request" },
    { line: "orouter doctor --json", does: "the findings for scripts" },
  ],
  args: DOCTOR_ARGS,
  run: doctor,
  children: {},
});

async function doctor(args: ArgsOf<typeof DOCTOR_ARGS>): Promise<number> {
  const isFixing = args.fix === true;
  const asJson = args.json === true;
  const { theme, findings } = await examine({
    ...opencodePlace({ ...process.env }),
    self: process.execPath,
    isOffline: args.offline === true,
  });
  const found = isFixing ? await Promise.all(findings.map(repaired)) : findings;
  if (asJson) {
    outJson({ ok: countWrong(found) === 0, checks: found.map(findingJson) });
    return countWrong(found) === 0 ? EXIT.fine : EXIT.failed;
  }
  out(doctorText(found, outputLook(theme)));
  const after = isFixing || !isInteractive() ? found : await offerRepairs(found);
  const faults = countWrong(after);
  say(faults === 0 ? "\nNo problems." : `\n${counted(faults, "problem")}.`);
  return faults === 0 ? EXIT.fine : EXIT.failed;
}

function countWrong(findings: readonly Finding[]): number {
  return findings.filter((finding) => finding.level === "wrong").length;
}

function repaired(finding: Finding): Promise<Finding> {
  return finding.repair?.run() ?? Promise.resolve(finding);
}

async function offerRepairs(findings: readonly Finding[]): Promise<Finding[]> {
  const after: Finding[] = [];
  for (const finding of findings) {
    if (finding.repair === undefined) {
      after.push(finding);
      continue;
    }
    const { askYes } = await import("../../cli/ask.ts");
    const isWanted = await askYes(finding.repair.question, true);
    const result = isWanted ? await finding.repair.run() : finding;
    if (isWanted && result.level === "ok") talk.success(`${result.check}: ${result.what}`);
    else if (isWanted) talk.error(`${result.what} ${result.fix ?? ""}`);
    after.push(result);
  }
  return after;
}

/** Scripts rely on these names. `level` is ok, note or wrong; `fix` is null if there is nothing to do. */
function findingJson({ check, level, what, fix }: Finding) {
  return { check, level, what, fix: fix ?? null };
}

interface Examination extends Pick<DoctorContext, "env" | "home" | "cwd"> {
  /** Our own program, so that a link to it named opencode does not count. */
  self: string;
  isOffline: boolean;
}

async function examine({
  self,
  isOffline,
  ...at
}: Examination): Promise<{ theme: Settings["theme"]; findings: Finding[] }> {
  // Checked first, before anything changes the user's own environment.
  const environment = checkEnvironment(at);
  const { context, findings } = await readContext(at);
  const { cooldowns, troubles } = await openCooldowns(context);
  const nowMs = Date.now();
  const reason = silence(context, isOffline);
  const [opencode, otherAgents, probed] = await Promise.all([
    checkOpencode(context, self),
    checkOtherAgents(context, self),
    reason !== undefined ? [] : probeAll(context, cooldowns, nowMs),
  ]);
  const configs = readOpencodeConfigs(context);
  const plugins = findSeedPlugins(configs, opencodeFolder(context));
  const live = new Map(
    probed.flatMap(({ provider, probe }) =>
      probe.kind === "answer" && probe.models.length > 0
        ? [[provider.id, new Set(probe.models)] as const]
        : [],
    ),
  );
  const checks = [
    ...opencode.findings,
    ...otherAgents,
    ...findings,
    ...checkKeys(context, cooldowns, nowMs),
    ...(reason !== undefined || context.keys === undefined ? [] : await checkQuotas(context)),
    ...checkAddresses(context, usableProviders(context)),
    ...(reason !== undefined ? [note("providers", reason)] : probed.map(checkProvider)),
    ...checkClock(probed),
    ...checkChains(context, live),
    ...checkOpencodeConfig(context, configs, plugins),
    ...checkProject(context),
    ...checkPlugin(context, opencode.harness, nowMs),
    ...environment,
    ...checkFolders(context, troubles),
    ...checkOtherFiles(context, findSeedSources({ ...context, configs }, plugins)),
  ];
  return { theme: context.settings.theme, findings: checks };
}

/** Why no provider is asked; undefined if they are. */
function silence({ isConfigWrong }: DoctorContext, isOffline: boolean): string | undefined {
  if (isOffline) return "not asked (--offline)";
  // Only config.toml says which address a key may be sent to, and it cannot be read.
  return isConfigWrong ? "not asked: config.toml may have their addresses" : undefined;
}

async function openCooldowns(
  context: DoctorContext,
): Promise<{ cooldowns: Cooldown[]; troubles: Problem[] }> {
  const troubles: Problem[] = [];
  const withKeys = { ...context, keys: context.keys ?? [] };
  const cooldowns = await readCooldowns(withKeys, (problem) => troubles.push(problem));
  return { cooldowns, troubles };
}

export interface DoctorLook {
  width: number;
  paint: Paint;
}

const TONES: Record<Finding["level"], Tone> = { ok: "good", note: "warn", wrong: "bad" };
const GAP = 2;
/** In a narrower column the text is hard to read, so it goes below. */
const MIN_TEXT = 24;

export function doctorText(findings: readonly Finding[], { width, paint }: DoctorLook): string {
  const levelWidth = Math.max(...findings.map(({ level }) => level.length)) + GAP;
  const checkWidth = Math.max(...findings.map(({ check }) => Bun.stringWidth(check))) + GAP;
  const isNarrow = width - levelWidth - checkWidth < MIN_TEXT;
  const indent = isNarrow ? GAP : levelWidth + checkWidth;
  const lines = findings.flatMap(({ level, check, what, fix }) => {
    const front = `${level.padEnd(levelWidth)}${check}`;
    const beside = front + " ".repeat(levelWidth + checkWidth - Bun.stringWidth(front));
    const told = what
      .split("\n")
      .flatMap((line, at) => hangingLines(at === 0 && !isNarrow ? beside : " ".repeat(indent), line, width));
    const [first = "", ...more] = isNarrow ? [front, ...told] : told;
    const mark = paint[TONES[level]](level);
    // Never wrap a command: pasted, it would become two.
    const below = fix === undefined ? [] : [`${" ".repeat(indent)}${paint.accent("→")} ${fix}`];
    return [mark + first.slice(level.length), ...more, ...below];
  });
  return lines.join("\n");
}
