import type { CallNote } from "./injector.ts";
import { OPENINGS, SHELL_LOG, type Task } from "./task.ts";

/** What a session left behind. */
export interface Evidence {
  task: Task;
  files: Map<string, string>;
  notes: readonly CallNote[];
  stdout: string;
  stderr: string;
  exitCode: number | null;
  wasStopped: boolean;
}

/** What a user would say of a session. */
export interface Judgement {
  isRight: boolean;
  /** All that was wrong, in words. */
  faults: string[];
  toolsTwice: number;
  filesDiffer: number;
  /** It ended with an error or was ended, before the last step was answered. */
  gaveUp: boolean;
  /** Model calls that belong to the task, and how many a fault-free session makes. */
  calls: number;
  needed: number;
  /** Calls to lanes that had refused for good, or for a time they named. */
  askedDead: number;
  askedLimited: number;
  /** Texts that the user saw more than once. */
  textsTwice: number;
}

export function judge(evidence: Evidence): Judgement {
  const { task, files, notes, stdout, exitCode, wasStopped } = evidence;
  const final = task.steps.at(-1)?.text ?? "";
  const shell = countShellLines(task, files.get(SHELL_LOG) ?? "");
  const differing = differingFiles(task, files);
  const seen = stdout.split(final).length - 1;
  const steps = notes.filter(({ purpose }) => purpose === "step");
  const history = [...new Set(steps.flatMap(({ problems }) => problems))];
  const twiceInHistory = history.filter((problem) => problem.endsWith("was carried out twice")).length;
  const textsTwice = task.steps.filter(({ text }) => text !== "" && stdout.split(text).length > 2).length;
  const gaveUp = (exitCode !== 0 || wasStopped) && seen === 0;
  const faults = [
    ...(wasStopped ? ["it had to be stopped"] : []),
    ...(exitCode === 0 || wasStopped ? [] : [`exit code ${exitCode}`]),
    ...(seen === 1 ? [] : [`the final text was shown ${seen} times`]),
    ...(stdout.trimEnd().endsWith(final) ? [] : ["the output does not end with the final text"]),
    ...(seen === 1 && !isWhole(stdout, final) ? ["the final text is put together from two answers"] : []),
    ...differing,
    ...shell.faults,
    ...history,
  ];
  return {
    isRight: faults.length === 0,
    faults,
    toolsTwice: Math.max(shell.twice, twiceInHistory),
    filesDiffer: differing.length + (shell.faults.length > 0 ? 1 : 0),
    gaveUp,
    calls: steps.length,
    needed: task.steps.length,
    askedDead: notes.filter(({ asked }) => asked === "dead").length,
    askedLimited: notes.filter(({ asked }) => asked === "limited").length,
    textsTwice,
  };
}

/** In front of the text on its line there is nothing, or one of the ways to begin it. */
function isWhole(stdout: string, text: string): boolean {
  const before = stdout.slice(0, stdout.indexOf(text));
  const opening = before.slice(before.lastIndexOf("\n") + 1);
  return OPENINGS.some((one) => one === opening);
}

/** A session that cannot end right has to end once, soon, and with the words that say why. */
export function judgeHopeless(
  { task, files, stderr, exitCode, wasStopped, notes }: Evidence,
  lastWord: string,
  /** Since the last chance of an answer. */
  late: { toldMs: number; endMs: number },
): string[] {
  const times = stderr.split(lastWord).length - 1;
  const filtered = notes.filter(({ label }) => label === FILTERED).length;
  const { twice } = countShellLines(task, files.get(SHELL_LOG) ?? "");
  return [
    ...(wasStopped ? ["it had to be stopped"] : []),
    ...(twice === 0 ? [] : [`${twice} shell steps ran more than once`]),
    ...(exitCode === 1 || wasStopped ? [] : [`exit code ${exitCode}`]),
    ...(times === 1 ? [] : [`"${lastWord}" was shown ${times} times`]),
    ...(filtered <= 1 ? [] : [`${filtered} calls for what a filter had refused`]),
    ...(late.toldMs <= TOLD_MS ? [] : [`told ${seconds(late.toldMs)} after the last chance of an answer`]),
    ...(late.endMs <= ENDED_MS ? [] : [`it ended ${seconds(late.endMs)} after the last chance of an answer`]),
  ];
}

/** How the log calls the refusal of a filter. */
export const FILTERED = "refused: filter";
const TOLD_MS = 5_000;
/** An agent takes some time of its own to end. */
const ENDED_MS = 10_000;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Each line of the shell steps once; their order among parallel calls is free. */
function countShellLines({ shellLines }: Task, log: string): { faults: string[]; twice: number } {
  const counts = new Map<string, number>();
  for (const line of log.split("\n").slice(0, -1)) counts.set(line, (counts.get(line) ?? 0) + 1);
  const faults: string[] = [];
  let twice = 0;
  for (const line of shellLines) {
    const count = counts.get(line) ?? 0;
    if (count > 1) twice += 1;
    if (count !== 1) faults.push(`"${line}" ran ${count} times`);
    counts.delete(line);
  }
  for (const line of counts.keys()) faults.push(`"${line}" is no line of the task`);
  return { faults, twice };
}

function differingFiles({ files: expected }: Task, files: Map<string, string>): string[] {
  const wrong = [...expected]
    .filter(([name, content]) => files.get(name) !== content)
    .map(([name]) => (files.has(name) ? `${name} differs` : `${name} is missing`));
  const extra = [...files.keys()].filter((name) => name !== SHELL_LOG && !expected.has(name));
  return [...wrong, ...extra.map((name) => `${name} is no file of the task`)];
}
