import type { ControlRest } from "../../core/routing/control-state.ts";
import { verdictWords } from "../../core/verdict/verdict-words.ts";
import type { Desk } from "./desk.ts";
import type { ConfirmPage, Line, ListPage } from "./page.ts";
import { counted, shortKey, shortModel, untilWords } from "./words.ts";

/** Who rests, and until when; Enter ends a rest. */
export function restsPage(desk: Desk): ListPage {
  return {
    kind: "list",
    title: () => {
      const count = desk.state()?.rests.length ?? 0;
      return count === 0 ? "orouter: resting lanes" : `orouter: ${counted(count, "rest")}, Enter ends one`;
    },
    lines: () => {
      const state = desk.state();
      if (state === undefined) return [{ title: "The proxy has not answered yet." }];
      if (state.rests.length === 0) return [{ title: "Nobody rests: every key and model can be used." }];
      const rows = state.rests.map((rest) => ({
        ...endRestLine(rest, state.now, desk),
        category: (rest.key ?? rest.model ?? rest.provider ?? "").split("/")[0] ?? "",
      }));
      return [...rows, { title: "End all of them", category: "All", run: () => endAll(desk) }];
    },
  };
}

/** One rest; Enter ends it. */
export function endRestLine(rest: ControlRest, nowMs: number, { client, act }: Desk): Line {
  return {
    title: partyWords(rest),
    description: verdictWords(rest.kind),
    footer: rest.untilMs === null ? "until it changes" : untilWords(rest.untilMs, nowMs),
    run: () => act(async () => void (await client.post("/reset", { id: rest.id }))),
  };
}

/** Asks before everything is tried again. */
export function resetPage(desk: Desk): ConfirmPage {
  const count = desk.state()?.rests.length ?? 0;
  return {
    kind: "confirm",
    title: "orouter: reset limits",
    message:
      count === 0
        ? "Nobody rests. What is remembered of past limits is forgotten."
        : `${counted(count, "rest")} ${count === 1 ? "ends" : "end"}, and every key and model is tried again at once.`,
    onConfirm: () => endAll(desk),
  };
}

function endAll({ client, act }: Desk): void {
  act(async () => {
    const { cleared } = (await client.post("/reset")) as { cleared: number };
    if (cleared === 0) return "Nobody rested.";
    return cleared === 1 ? "1 rest has ended." : `${cleared} rests have ended.`;
  });
}

function partyWords({ scope, key, model, provider }: ControlRest): string {
  const who = key === null ? "a key that is gone" : shortKey(key);
  switch (scope) {
    case "lane":
      return `${who} for ${shortModel(model ?? "")}`;
    case "key":
      return who;
    case "model":
      return shortModel(model ?? "");
    case "provider":
      return `all of ${provider}`;
  }
}
