import * as v from "valibot";
import type { Move } from "../../core/settings/chains.ts";
import { counted, formatClock } from "../../core/text.ts";
import type { Line, ListPage, PageContext } from "./page.ts";
import type { Chain } from "./router-client.ts";
import { benchWords, modelWords, shortModel } from "./words.ts";

/** With only one chain, shows its models directly. */
export function chainsPage(context: PageContext): ListPage {
  const [only, ...others] = context.state()?.chains ?? [];
  if (only !== undefined && others.length === 0) return chainPage(context, only.name);
  return {
    kind: "list",
    title: () => "orouter: fallback chains",
    lines: () => {
      const chains = context.state()?.chains ?? [];
      if (chains.length === 0)
        return [{ title: "No chains yet", description: "In a terminal: orouter chain add" }];
      return chains.map((chain) => ({
        title: chain.name,
        description: `${counted(chain.models.length, "model")}, ${readyCount(chain)} ready`,
        run: () => context.pages.open(chainPage(context, chain.name)),
      }));
    },
  };
}

export function chainPage(context: PageContext, name: string): ListPage {
  return {
    kind: "list",
    title: () => `orouter/${name}: ${counted(chainNamed(name, context)?.models.length ?? 0, "model")}`,
    lines: () => {
      const chain = chainNamed(name, context);
      if (chain === undefined) return [{ title: "This chain is gone" }];
      return [
        ...chain.entries.map((entry, at) => entryLine(chain, { entry, at }, context)),
        {
          title: "Test every model",
          description: "one short question each",
          category: "All",
          run: () => testAll(chain, context),
        },
      ];
    },
  };
}

function entryLine(chain: Chain, { entry, at }: { entry: string; at: number }, context: PageContext): Line {
  const model = chain.models.find((one) => one.model === entry);
  const line = {
    title: `${at + 1} ${entry}`,
    category: "In this order",
    run: () => context.pages.open(memberPage(context, chain.name, entry)),
  };
  if (model === undefined) return { ...line, description: "another chain" };
  const figures = benchWords(model.bench);
  const description = context.tests().get(entry) ?? modelWords(model, context.state()?.now ?? 0);
  return { ...line, description, ...(figures === undefined ? {} : { footer: figures }) };
}

function chainNamed(name: string, context: PageContext): Chain | undefined {
  return context.state()?.chains.find((chain) => chain.name === name);
}

function readyCount({ models }: Chain): number {
  return models.filter(({ state }) => state === "ready").length;
}

/** One after the other, so that the tests do not compete for the same limits. */
function testAll({ models }: Chain, context: PageContext): void {
  context.act(async () => {
    for (const { model } of models) await testModel(context, model);
    return undefined;
  });
}

export function memberPage(context: PageContext, name: string, entry: string): ListPage {
  return {
    kind: "list",
    title: () => {
      const entries = chainNamed(name, context)?.entries ?? [];
      const place = entries.indexOf(entry) + 1;
      return place === 0
        ? `${entry} is no longer in ${name}`
        : `${shortModel(entry)}: ${place} of ${entries.length} in ${name}`;
    },
    lines: () => {
      const chain = chainNamed(name, context);
      return chain === undefined ? [] : [...moves(chain, entry, context), ...facts(chain, entry, context)];
    },
  };
}

function moves({ name, entries }: Chain, entry: string, { client, act }: PageContext): Line[] {
  const at = entries.indexOf(entry);
  if (at < 0) return [];
  const path = `/chains/${encodeURIComponent(name)}/move`;
  const move = (where: Move) => () => act(async () => void (await client.post(path, { entry, move: where })));
  // All three lines keep their position: a second Enter must not move the model back.
  const up = at === 0 ? { description: "already the first" } : { run: move("up") };
  const down = at === entries.length - 1 ? { description: "already the last" } : { run: move("down") };
  const top = at === 0 ? {} : { run: move(1) };
  return [
    { title: "Move up", ...up },
    { title: "Move down", ...down },
    { title: "Move to the top", ...top },
  ].map((line) => ({ ...line, category: "Position" }));
}

function facts({ models }: Chain, entry: string, context: PageContext): Line[] {
  const model = models.find((one) => one.model === entry);
  if (model === undefined) return [];
  const nowMs = context.state()?.now ?? 0;
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
      description: context.tests().get(entry) ?? "one short question",
      run: () => context.act(async () => void (await testModel(context, entry))),
    },
    { title: "State", description: modelWords(model, nowMs) },
    measured,
  ].map((line) => ({ ...line, category: "Model" }));
}

type TestContext = Pick<PageContext, "client" | "noteTest">;

/** Asks a model one short question and stores the result. */
async function testModel(context: TestContext, model: string): Promise<void> {
  context.noteTest(model, "testing …");
  context.noteTest(model, await testResult(context, model));
}

async function testResult({ client }: TestContext, model: string): Promise<string> {
  const startedMs = performance.now();
  try {
    const answer = await client.ask(model);
    // The proxy sends the head with the first token.
    const tookMs = performance.now() - startedMs;
    const took = tookMs < 1000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1000).toFixed(1)} s`;
    const text = await answer.text();
    if (!answer.ok) return firstSentence(text);
    const served = answer.headers.get("x-orouter-model") ?? model;
    if (served !== model) return `${shortModel(served)} answered instead`;
    return `answered in ${took} with ${answer.headers.get("x-orouter-key")}`;
  } catch (error) {
    return `no answer: ${(error as Error).message}`;
  }
}

const REFUSAL = v.object({ error: v.object({ message: v.string() }) });

/** What an error says first; there is no room for the whole report. */
function firstSentence(body: string): string {
  try {
    const { message } = v.parse(REFUSAL, JSON.parse(body)).error;
    const [first = ""] = message.split("\n");
    const reason = /^Reason: (.+)$/m.exec(message)?.[1];
    return (first.includes("ALL KEYS EXHAUSTED") ? reason : first.replace("[orouter] ", "")) || "refused";
  } catch {
    return "refused";
  }
}
