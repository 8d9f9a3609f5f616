import { existsSync } from "node:fs";
import { join } from "node:path";
import { opencodeFolder } from "../../config/opencode-configs.ts";
import { formatClock } from "../../core/clock-text.ts";
import type { Harness } from "../../harness/harness.ts";
import { readPluginMark } from "../../harness/opencode/plugin-mark.ts";
import { wantsServerPlugin } from "../../harness/opencode1/place-plugins.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "plugin";

/** Whether opencode takes our plugin, and what the settings that need a server plugin cost. */
export function checkPlugin(patient: Patient, harness: Harness | undefined, nowMs: number): Finding[] {
  const waitsForNpm = harness?.waitsForNpm ?? true;
  return [tuiFinding(patient, nowMs), ...(waitsForNpm ? serverFindings(patient) : [])];
}

function tuiFinding({ settings, env, paths }: Patient, nowMs: number): Finding {
  if (!settings.opencode.plugin) return ok(CHECK, "left out, as config.toml says");
  if (["1", "true"].includes(env["OPENCODE_PURE"]?.toLowerCase() ?? ""))
    return note(CHECK, "OPENCODE_PURE is set: opencode runs without orouter's toasts and commands.");
  const refusedMs = readPluginMark(paths.cacheDir);
  if (refusedMs === undefined) return ok(CHECK, "toasts and commands inside opencode are on");
  return wrong(
    CHECK,
    `opencode did not load orouter's plugin in its last run (${formatClock(refusedMs, nowMs)}): no toasts and commands there; all else works.`,
    "Update orouter to one that knows this opencode, or write under [opencode] in config.toml: plugin = false",
  );
}

/** A server plugin makes opencode wait for npm before the first prompt. */
function serverFindings(patient: Patient): Finding[] {
  const { shellKeys, tools } = patient.settings.opencode;
  if (!wantsServerPlugin({ shellKeys, tools })) return [];
  const names = [...(shellKeys ? ["shell_keys"] : []), ...(tools ? ["tools"] : [])].join(" and ");
  const isThere = existsSync(join(opencodeFolder(patient), "node_modules", "@opencode-ai", "plugin"));
  const cost = isThere
    ? "what opencode needs from npm for that is there, so a start takes no longer."
    : "opencode installs @opencode-ai/plugin from npm at its next start, which takes some seconds; without a registry it waits for up to 5 s at every start.";
  return [note("server plugin", `${names} under [opencode]: ${cost}`)];
}
