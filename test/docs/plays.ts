import type { Sample } from "./pages.ts";

/** Samples that are typed on one machine, one after the other. */
export interface Play {
  /** Where the first of them stands. */
  at: string;
  stage: string;
  steps: readonly Step[];
}

/** A page's own config to be put in place, or commands with what they print. */
export type Step =
  | { kind: "config"; at: string; text: string }
  | { kind: "console"; at: string; text: string; figuresVary: boolean };

/**
 * The plays of a page. `<!-- stage NAME -->` above a block begins one; `figures vary` says that times and counts are
 * other ones each time. A block without a stage goes on where the one before it has ended.
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
