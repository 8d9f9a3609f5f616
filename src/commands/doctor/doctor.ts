import { out, outJson, say } from "../../cli/io.ts";
import { outputLook } from "../../cli/table.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadConfig } from "../../config/load.ts";
import { opencodePlace } from "../../config/opencode-place.ts";
import { type Env, resolvePaths } from "../../config/paths.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { defaultSettings, type Settings } from "../../core/settings/settings.ts";
import { doctorText } from "./doctor-text.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";

/** `orouter doctor`: what is wrong, and how to mend it. */
export const doctorVerb: Verb = {
  name: "doctor",
  about: "Find what is wrong and how to mend it; exit 1 if anything is",
  examples: [
    { line: "orouter doctor", does: "looks at opencode, the files, the keys, and asks each provider once" },
    { line: "orouter doctor --offline", does: "the same without a question to anyone" },
    { line: "orouter doctor --json", does: "the findings for scripts" },
  ],
  args: {
    offline: { type: "boolean", description: "Ask no provider" },
    json: { type: "boolean", description: 'Print {"ok",checks:[{"check","level","what","fix"}]}' },
  },
  run: doctor,
  children: {},
};

async function doctor(args: VerbArgs): Promise<number> {
  const { env } = process;
  const findings = await examine({
    ...opencodePlace({ ...env }),
    self: process.execPath,
    isOffline: args["offline"] === true,
  });
  const faults = findings.filter((finding) => finding.level === "wrong").length;
  if (args["json"] === true) outJson({ ok: faults === 0, checks: findings.map(findingJson) });
  else {
    out(doctorText(findings, outputLook(await themeOf(env))));
    say(
      faults === 0 ? "\nNothing is wrong." : `\n${faults} ${faults === 1 ? "thing is" : "things are"} wrong.`,
    );
  }
  return faults === 0 ? EXIT.fine : EXIT.failed;
}

/** A config.toml that is wrong is among the findings, and names no theme. */
async function themeOf(env: Env): Promise<Settings["theme"]> {
  try {
    return (await loadConfig(resolvePaths(env))).settings.theme;
  } catch (error) {
    if (error instanceof Problem) return defaultSettings().theme;
    throw error;
  }
}

/** A finding as `doctor --json` prints it; `level` is ok, note or wrong, `fix` null where nothing needs mending. */
function findingJson({ check, level, what, fix }: Finding) {
  return { check, level, what, fix: fix ?? null };
}
