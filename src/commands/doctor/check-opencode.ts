import { realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Problem } from "../../core/problem.ts";
import { childEnv } from "../../opencode/child-env.ts";
import { INSTALL_COMMAND, locateOpencode } from "../../opencode/locate.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import { readVersion } from "./opencode-version.ts";
import type { Patient } from "./patient.ts";

const CHECK = "opencode";

/** Before this one opencode read its configuration in another way. */
const OLDEST = [1, 0, 0];

/** The one that everything here was measured with. */
const TRIED = [1, 18, 33];

/** Whether opencode is there, runs, and is one that we know. */
export async function checkOpencode(patient: Patient, self: string): Promise<Finding[]> {
  const { settings, env, home } = patient;
  let file: string;
  try {
    file = locateOpencode({ configured: settings.opencode.path, env: { ...env }, home, self });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [wrong(CHECK, error.message, error.fix ?? INSTALL_COMMAND.join(" "))];
  }
  const answer = await readVersion(file, childEnv({ ...env }, { keyVariables: [], extra: {} }));
  const others = otherOpencodes(file, patient, self);
  if (answer.kind === "none") {
    const fix = `Run it by itself once; if that fails too, install it again: ${INSTALL_COMMAND.join(" ")}`;
    return [wrong(CHECK, `${file} does not tell its version: ${answer.why}.`, fix), ...others];
  }
  return [versionFinding(answer.text, file), ...others];
}

function versionFinding(version: string, file: string): Finding {
  const parts = version.split(/[.+-]/, 3).map(Number);
  const what = `${version} at ${file}`;
  if (compare(parts, OLDEST) < 0) {
    return wrong(
      CHECK,
      `${what} is too old for orouter.`,
      `Update it: opencode upgrade, or ${INSTALL_COMMAND.join(" ")}`,
    );
  }
  const [major = 0] = parts;
  if (major > (TRIED[0] ?? 0))
    return note(CHECK, `${what} is newer than any that orouter was tried with (${TRIED.join(".")}).`);
  return ok(CHECK, what);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = b.findIndex((number, index) => number !== a[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Those behind the first one: an update of the wrong one looks like no update at all. */
function otherOpencodes(used: string, { env, home }: Patient, self: string): Finding[] {
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter(Boolean), join(home, ".opencode", "bin")];
  const skipped = new Set([realPath(used), realPath(self)]);
  const others = new Map<string, string>();
  for (const folder of folders) {
    const file = Bun.which("opencode", { PATH: folder });
    if (file === null || skipped.has(realPath(file))) continue;
    others.set(realPath(file), file);
  }
  if (others.size === 0) return [];
  const what = `There are others: ${[...others.values()].join(", ")}. ${used} is the one that is used.`;
  return [note(CHECK, what, 'To choose, write under [opencode] in config.toml: path = "/the/one"')];
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
