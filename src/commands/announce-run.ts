import { RUN_FILES, type RunCard } from "../harness/run/run-card.ts";
import type { RunDir } from "../harness/run/run-dir.ts";

/** Leaves word of a run in its folder, where `status` finds it. */
export function announceRun(runDir: RunDir, run: Pick<RunCard, "what" | "url">): void {
  const card: RunCard = { ...run, pid: process.pid, sinceMs: Date.now(), folder: process.cwd() };
  runDir.write(RUN_FILES.card, JSON.stringify(card));
}
