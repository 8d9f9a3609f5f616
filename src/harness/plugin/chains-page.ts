import type { ControlChain } from "../../core/routing/control-state.ts";
import type { Desk } from "./desk.ts";
import { memberPage } from "./member-page.ts";
import { testModel } from "./model-test.ts";
import { benchWords, stateWords } from "./model-words.ts";
import type { Line, ListPage } from "./page.ts";
import { counted } from "./words.ts";

/** The chains; where there is only one, its models at once. */
export function chainsPage(desk: Desk): ListPage {
  const [only, ...others] = desk.state()?.chains ?? [];
  if (only !== undefined && others.length === 0) return chainPage(desk, only.name);
  return {
    kind: "list",
    title: () => "orouter: fallback chains",
    lines: () => {
      const chains = desk.state()?.chains ?? [];
      if (chains.length === 0)
        return [{ title: "There is no chain yet.", description: "In a terminal: orouter chain add" }];
      return chains.map((chain) => ({
        title: chain.name,
        description: `${counted(chain.models.length, "model")}, ${readyCount(chain)} ready`,
        run: () => desk.pages.open(chainPage(desk, chain.name)),
      }));
    },
  };
}

/** The models of one chain in the order they are tried; Enter leads to what can be done with one. */
export function chainPage(desk: Desk, name: string): ListPage {
  const find = (): ControlChain | undefined => desk.state()?.chains.find((chain) => chain.name === name);
  return {
    kind: "list",
    title: () => `orouter/${name}: ${counted(find()?.models.length ?? 0, "model")}`,
    lines: () => {
      const chain = find();
      if (chain === undefined) return [{ title: "This chain is gone." }];
      return [
        ...chain.entries.map((entry, at) => entryLine({ chain, entry, at, desk })),
        {
          title: "Test every model",
          description: "one short question each",
          category: "All",
          run: () => testAll(chain, desk),
        },
      ];
    },
  };
}

interface Entry {
  chain: ControlChain;
  entry: string;
  at: number;
  desk: Desk;
}

function entryLine({ chain, entry, at, desk }: Entry): Line {
  const model = chain.models.find((one) => one.model === entry);
  const line = {
    title: `${at + 1} ${entry}`,
    category: "In this order",
    run: () => desk.pages.open(memberPage(desk, chain.name, entry)),
  };
  if (model === undefined) return { ...line, description: "a chain of its own" };
  const figures = benchWords(model.bench);
  const description = desk.tests().get(entry) ?? stateWords(model, desk.state()?.now ?? 0);
  return { ...line, description, ...(figures === undefined ? {} : { footer: figures }) };
}

function readyCount({ models }: ControlChain): number {
  return models.filter(({ state }) => state === "ready").length;
}

/** One after the other: asked all at once they would stand in each other's way. */
function testAll({ models }: ControlChain, desk: Desk): void {
  desk.act(async () => {
    for (const { model } of models) await testModel(desk, model);
    return undefined;
  });
}
