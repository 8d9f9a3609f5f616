import { formatClock } from "../../core/clock-text.ts";
import { chainsPage } from "./chains-page.ts";
import type { Desk } from "./desk.ts";
import { keyLines } from "./keys-page.ts";
import type { Line, ListPage } from "./page.ts";
import { resetPage, restsPage } from "./rests-page.ts";
import { nextEnd } from "./status-line.ts";
import { counted, shortModel } from "./words.ts";

/** How everything stands, and the way to the rest. */
export function statusPage(desk: Desk): ListPage {
  return {
    kind: "list",
    title: () => {
      const state = desk.state();
      if (state === undefined) return desk.isLost() ? "orouter does not answer" : "orouter";
      if (desk.isLost()) return `orouter does not answer; as of ${formatClock(state.now, state.now)}`;
      const ready = state.keys.filter((key) => key.state === "ready").length;
      return `orouter: ${ready} of ${counted(state.keys.length, "key")} ready, ${state.strategy}`;
    },
    lines: () => [...ways(desk), ...keyLines(desk)],
  };
}

function ways(desk: Desk): Line[] {
  const state = desk.state();
  if (state === undefined) return [];
  const { rests, chains, last, now } = state;
  const end = nextEnd(state);
  const first = end === undefined ? "" : `, the first until ${formatClock(end, now)}`;
  const answered: Line[] =
    last === null
      ? []
      : [
          {
            title: "Last answer",
            description: `${shortModel(last.model)} with ${last.key}, ${formatClock(last.atMs, now)}`,
          },
        ];
  const lines: Line[] = [
    {
      title: "Resting lanes",
      description: rests.length === 0 ? "nobody rests" : counted(rests.length, "rest") + first,
      run: () => desk.pages.open(restsPage(desk)),
    },
    {
      title: "Fallback chains",
      description: chains.length === 0 ? "none yet" : chains.map(({ name }) => name).join(", "),
      run: () => desk.pages.open(chainsPage(desk)),
    },
    { title: "Reset limits", description: "asks first", run: () => desk.pages.open(resetPage(desk)) },
    ...answered,
  ];
  return lines.map((line) => ({ ...line, category: "Run" }));
}
