import { join } from "node:path";
import { between, pick, roll } from "./dice.ts";

/** One tool call of the task, in words that every agent's own tools can be given. */
export type ToolUse =
  | { tool: "write"; path: string; content: string }
  | { tool: "read"; path: string }
  | { tool: "edit"; path: string; before: string; after: string }
  | { tool: "shell"; command: string };

/** One model call of the task: what a good answer to it consists of. */
export interface TaskStep {
  thinking: string;
  text: string;
  uses: ToolUse[];
}

/** A model words the same answer in several ways; each of these in front of a step's text makes another wording. */
export const OPENINGS = ["", "Now: ", "So then, "] as const;

/** What an agent is led through, and what must be there at its end. */
export interface Task {
  prompt: string;
  /** The last step has a text and no tool call. */
  steps: TaskStep[];
  /** Every file of the project by its name, the log of the shell steps apart. */
  files: Map<string, string>;
  /** The lines that the shell steps append to `SHELL_LOG`, each exactly once. */
  shellLines: string[];
}

/** Every shell step appends one line to this file: a line that is there twice is a step that ran twice. */
export const SHELL_LOG = "ran.log";

const PLACES = ["Malmö", "Łódź", "São Paulo", "Kyōto 京都", "Zürich", "Θεσσαλονίκη"];

/** The task of one seed in one project folder: 6 to 12 model calls. */
export function taskOf(seed: number, project: string): Task {
  const draft: Draft = { seed, project, steps: [], files: new Map(), shellLines: [] };
  const middle = between(4, 10, seed, "steps");
  write(draft, "notes.md", false);
  const fixed = new Map([
    [Math.floor(middle / 2), "edit"],
    [middle - 1, "two shells"],
  ]);
  for (let nth = 1; nth <= middle; nth++) {
    addStep(draft, fixed.get(nth) ?? pick(KINDS, seed, "kind", nth));
  }
  const tag = `task ${seed}`;
  draft.steps.push({
    thinking: "",
    text:
      `All ${draft.steps.length} steps of ${tag} are done. ` +
      `The files are in place, from ${pick(PLACES, seed, "from")} to ${pick(PLACES, seed, "to")}. ` +
      `Nothing was left out, and nothing was done twice. End of ${tag}.`,
    uses: [],
  });
  const { steps, files, shellLines } = draft;
  return { prompt: `Please do ${tag}, step by step.`, steps, files, shellLines };
}

interface Draft extends Pick<Task, "steps" | "files" | "shellLines"> {
  seed: number;
  project: string;
}

const KINDS = [
  "shell",
  "shell",
  "read",
  "edit",
  "write",
  "long write",
  "two shells",
  "read and shell",
  "three",
];

function addStep(draft: Draft, kind: string): void {
  const nth = draft.steps.length;
  if (kind === "write" || kind === "long write") write(draft, `part-${nth}.txt`, kind === "long write");
  else push(draft, usesOf(draft, kind));
}

function usesOf(draft: Draft, kind: string): ToolUse[] {
  switch (kind) {
    case "read":
      return [read(draft)];
    case "edit":
      return [edit(draft)];
    case "two shells":
      return [shell(draft, 0), shell(draft, 1)];
    case "read and shell":
      return [read(draft), shell(draft, 1)];
    case "three":
      return [shell(draft, 0), read(draft), shell(draft, 2)];
    default:
      return [shell(draft, 0)];
  }
}

function push(draft: Draft, uses: ToolUse[]): void {
  const { seed, steps } = draft;
  const nth = steps.length;
  const says = roll(seed, "says", nth) < 0.6;
  const thinks = roll(seed, "thinks", nth) < 0.4;
  steps.push({
    thinking: thinks ? `I am at step ${nth} of task ${seed}; the next thing is plain to see.` : "",
    text: says ? `Step ${nth} of task ${seed} comes next, on the way to ${pick(PLACES, seed, nth)}.` : "",
    uses,
  });
}

function write(draft: Draft, name: string, isLong: boolean): void {
  const { seed, files, project } = draft;
  const count = isLong ? between(80, 400, seed, name, "lines") : between(3, 9, seed, name, "lines");
  const line = (nth: number) =>
    `${nth}. ${pick(PLACES, seed, name, nth)} “${name}” \\ \t ${seed * 7919 + nth}`;
  const content = `${Array.from({ length: count }, (_, nth) => line(nth)).join("\n")}\n`;
  files.set(name, content);
  push(draft, [{ tool: "write", path: join(project, name), content }]);
}

function read(draft: Draft): ToolUse {
  return { tool: "read", path: join(draft.project, aFile(draft)) };
}

function edit(draft: Draft): ToolUse {
  const { seed, files, project, steps } = draft;
  const name = aFile(draft);
  const content = files.get(name) ?? "";
  const lines = content.split("\n").slice(0, -1);
  const before = pick(lines, seed, "edited line", steps.length);
  const after = `${before} (edited in step ${steps.length})`;
  files.set(
    name,
    content.replace(before, () => after),
  );
  return { tool: "edit", path: join(project, name), before, after };
}

function aFile({ seed, files, steps }: Draft): string {
  return pick([...files.keys()], seed, "file", steps.length);
}

function shell({ seed, shellLines, steps }: Draft, nth: number): ToolUse {
  const line = `step ${steps.length} call ${nth} of task ${seed}`;
  shellLines.push(line);
  return { tool: "shell", command: `echo '${line}' >> ${SHELL_LOG}` };
}
