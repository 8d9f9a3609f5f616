import type { Sample } from "./pages.ts";

/** Samples that run on one machine, one after the other. */
export interface Play {
  at: string;
  stage: string;
  steps: readonly Step[];
}

/** A configuration to install, or commands with their expected output. */
export type Step =
  | { kind: "config"; at: string; text: string }
  | { kind: "console"; at: string; text: string; figuresVary: boolean };

/**
 * `<!-- stage NAME -->` above a block begins a play; `figures vary` means that times and counts differ from run to run.
 * A block without a stage continues the previous play.
 */
export function playsOf(samples: readonly Sample[]): Play[] {
  const plays: (Play & { steps: Step[] })[] = [];
  for (const { at, language, text, remark } of samples) {
    const { stage, figuresVary } = readRemark(at, remark);
    if (stage !== undefined) plays.push({ at, stage, steps: [] });
    if (language === "toml" && stage !== undefined) plays.at(-1)?.steps.push({ kind: "config", at, text });
    if (language !== "console") continue;
    const play = plays.at(-1);
    if (play === undefined) throw new Error(`${at}: a console sample that no stage has been named for`);
    play.steps.push({ kind: "console", at, text, figuresVary });
  }
  return plays;
}

function readRemark(at: string, remark = ""): { stage: string | undefined; figuresVary: boolean } {
  const [, stage, comma, figures] = /^(?:stage (\w+))?(, )?(figures vary)?$/.exec(remark) ?? [];
  const isWhole = remark === "" || (comma !== undefined) === (stage !== undefined && figures !== undefined);
  if (!isWhole || (remark !== "" && stage === undefined && figures === undefined))
    throw new Error(`${at}: "${remark}" is neither a stage nor "figures vary"`);
  return { stage, figuresVary: figures !== undefined };
}
