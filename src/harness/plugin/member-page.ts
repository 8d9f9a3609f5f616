import { formatClock } from "../../core/clock-text.ts";
import type { ControlChain } from "../../core/routing/control-state.ts";
import type { Move } from "../../core/settings/chain-edits.ts";
import type { Desk } from "./desk.ts";
import { testModel } from "./model-test.ts";
import { benchWords, stateWords } from "./model-words.ts";
import type { Line, ListPage } from "./page.ts";
import { shortModel } from "./words.ts";

/** One model of a chain: its place, its figures, a test. */
export function memberPage(desk: Desk, name: string, entry: string): ListPage {
  const find = (): ControlChain | undefined => desk.state()?.chains.find((chain) => chain.name === name);
  return {
    kind: "list",
    title: () => {
      const entries = find()?.entries ?? [];
      const place = entries.indexOf(entry) + 1;
      return place === 0
        ? `${entry} is no longer in ${name}`
        : `${shortModel(entry)}: ${place} of ${entries.length} in ${name}`;
    },
    lines: () => {
      const chain = find();
      return chain === undefined ? [] : [...moves(chain, entry, desk), ...facts(chain, entry, desk)];
    },
  };
}

function moves({ name, entries }: ControlChain, entry: string, desk: Desk): Line[] {
  const at = entries.indexOf(entry);
  const move = (where: Move) => () =>
    desk.act(
      async () =>
        void (await desk.client.post(`/chains/${encodeURIComponent(name)}/move`, { entry, move: where })),
    );
  if (at < 0) return [];
  // All three stay where they are: Enter pressed once more must not move it back.
  const up = at === 0 ? { description: "it is the first" } : { run: move("up") };
  const down = at === entries.length - 1 ? { description: "it is the last" } : { run: move("down") };
  const top = at === 0 ? {} : { run: move(1) };
  return [
    { title: "Move up", ...up },
    { title: "Move down", ...down },
    { title: "Move to the top", ...top },
  ].map((line) => ({ ...line, category: "Its place" }));
}

function facts({ models }: ControlChain, entry: string, desk: Desk): Line[] {
  const model = models.find((one) => one.model === entry);
  if (model === undefined) return [];
  const nowMs = desk.state()?.now ?? 0;
  const { bench } = model;
  const measured: Pick<Line, "title" | "description"> =
    bench === null
      ? { title: "No benchmark yet", description: "In a terminal: orouter bench" }
      : {
          title: `First token after ${benchWords(bench)}`,
          description: `measured ${formatClock(bench.atMs, nowMs)}`,
        };
  return [
    {
      title: "Test it now",
      description: desk.tests().get(entry) ?? "one short question",
      run: () => desk.act(async () => void (await testModel(desk, entry))),
    },
    { title: "State", description: stateWords(model, nowMs) },
    measured,
  ].map((line) => ({ ...line, category: "The model" }));
}
