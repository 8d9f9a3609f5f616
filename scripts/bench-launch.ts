import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * How long from the start of orouter to the start of opencode: a stand-in for opencode notes the moment it runs, and
 * the same stand-in is started bare, in turn. Usage: bun scripts/bench-launch.ts [ROUNDS]
 */
const ROUNDS = Number(process.argv[2] ?? 20);
const ROOT = join(import.meta.dir, "..");
const home = mkdtempSync(join(tmpdir(), "orouter-bench-"));
const note = join(home, "started-at");
const standIn = join(home, "opencode");

writeFileSync(standIn, `#!/bin/sh\ndate +%s%N > "${note}"\n`);
chmodSync(standIn, 0o755);
writeFileSync(
  join(home, "keys.toml"),
  '[[keys]]\nprovider = "ollama-cloud"\nname = "bench"\nvalue = "not-a-real-key"\n',
  { mode: 0o600 },
);
// A start asks in the background for lists of models; here nothing is to leave this machine.
writeFileSync(
  join(home, "config.toml"),
  '[models_dev]\nenabled = false\n[providers.ollama-cloud]\nbase_url = "http://127.0.0.1:9"\n',
);
const env = { PATH: process.env["PATH"] ?? "", HOME: home, OROUTER_HOME: home, OROUTER_OPENCODE: standIn };

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function startMs(command: string[]): number {
  rmSync(note, { force: true });
  const from = nowMs();
  const run = Bun.spawnSync(command, { env, stdout: "ignore", stderr: "inherit" });
  if (run.exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${run.exitCode}`);
  return Number(readFileSync(note, "utf8")) / 1e6 - from;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const through: number[] = [];
const bare: number[] = [];
for (let round = 0; round < ROUNDS + 1; round++) {
  const a = startMs([join(ROOT, "dist", "orouter"), "opencode", "serve"]);
  const b = startMs([standIn, "serve"]);
  // The first round warms the disk's cache.
  if (round === 0) continue;
  through.push(a);
  bare.push(b);
}
rmSync(home, { recursive: true, force: true });
const [a, b] = [median(through), median(bare)];
console.log(
  `bare exec ${b.toFixed(1)} ms, through orouter ${a.toFixed(1)} ms, added ${(a - b).toFixed(1)} ms (medians of ${ROUNDS})`,
);
