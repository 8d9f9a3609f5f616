import { keepsSessions } from "../../core/routing/session.ts";
import { counted, formatClock } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { chainsPage } from "./chain-pages.ts";
import { type ConfirmPage, type Line, type ListPage, NOT_YET, type PageContext } from "./page.ts";
import { type Cooldown, clearedIn, type RouterKey, type RouterState } from "./router-client.ts";
import { nextEnd, readinessWords, shortKey, shortModel, untilWords } from "./words.ts";

export function statusPage(context: PageContext): ListPage {
  return {
    kind: "list",
    title: () => {
      const state = context.state();
      if (state === undefined) return context.isLost() ? "orouter does not answer" : "orouter";
      if (context.isLost()) return `orouter does not answer; last seen ${formatClock(state.now, state.now)}`;
      const ready = state.keys.filter((key) => key.state === "ready").length;
      return `orouter: ${ready} of ${counted(state.keys.length, "key")} ready, ${state.strategy}`;
    },
    lines: () => [...ways(context), ...keyLines(context)],
  };
}

function ways(context: PageContext): Line[] {
  const state = context.state();
  if (state === undefined) return [];
  const { cooldowns, chains, last, now } = state;
  const end = nextEnd(state);
  const next = end === undefined ? "" : `, the next ends ${formatClock(end, now)}`;
  const lines: Line[] = [
    {
      title: "Cooldowns",
      description: cooldowns.length === 0 ? "none" : counted(cooldowns.length, "cooldown") + next,
      run: () => context.pages.open(cooldownsPage(context)),
    },
    {
      title: "Fallback chains",
      description: chains.length === 0 ? "none yet" : chains.map(({ name }) => name).join(", "),
      run: () => context.pages.open(chainsPage(context)),
    },
    {
      title: "Reset cooldowns",
      description: "asks first",
      run: () => context.pages.open(resetPage(context)),
    },
  ];
  if (last !== null) {
    lines.push({
      title: "Last answer",
      description: `${shortModel(last.model)} with ${last.key}, ${formatClock(last.atMs, now)}`,
    });
  }
  return lines.map((line) => ({ ...line, category: "Run" }));
}

export function keysPage(context: PageContext): ListPage {
  return { kind: "list", title: () => "orouter: keys", lines: () => keyLines(context) };
}

function keyLines(context: PageContext): Line[] {
  const state = context.state();
  if (state === undefined) return [NOT_YET];
  return state.keys.map((key) => {
    const lanes = cooldownsOf(key, state).filter(({ scope }) => scope === "lane").length;
    return {
      title: nameOf(key),
      description: readinessWords(key, state.now),
      category: "Keys",
      ...(lanes === 0 ? {} : { footer: `${counted(lanes, "model")} in cooldown` }),
      run: () => context.pages.open(keyPage(context, key.fingerprint)),
    };
  });
}

export function keyPage(context: PageContext, fingerprint: string): ListPage {
  const find = (): RouterKey | undefined =>
    context.state()?.keys.find((key) => key.fingerprint === fingerprint);
  return {
    kind: "list",
    title: () => {
      const key = find();
      const nowMs = context.state()?.now ?? 0;
      return key === undefined ? "This key is gone" : `${nameOf(key)}: ${readinessWords(key, nowMs)}`;
    },
    lines: () => {
      const [key, state] = [find(), context.state()];
      return key === undefined || state === undefined ? [] : actions(key, state, context);
    },
  };
}

function actions(key: RouterKey, state: RouterState, context: PageContext): Line[] {
  const { client, act } = context;
  const path = `/keys/${key.fingerprint}`;
  const session = context.session();
  const cooldowns = cooldownsOf(key, state);
  const lines: Line[] = [
    {
      title: key.enabled ? "Turn off" : "Turn on",
      description: "for this run",
      run: () => act(async () => void (await client.post(`${path}/${key.enabled ? "disable" : "enable"}`))),
    },
  ];
  if (session !== undefined && key.enabled && keepsSessions(state.strategy)) {
    lines.push({
      title: "Use it in this session",
      description: "while it is healthy",
      run: () =>
        act(async () => {
          await client.post(`/sessions/${session}/key`, { fingerprint: key.fingerprint });
          const models = cooldowns.map(({ model }) => (model === null ? "all models" : shortModel(model)));
          const later = cooldowns.length === 0 ? "" : `, for ${models.join(", ")} when its cooldown ends`;
          return `This session now uses ${nameOf(key)}${later}.`;
        }),
    });
  }
  if (cooldowns.length > 0) {
    lines.push({
      title: "End its cooldowns",
      description: counted(cooldowns.length, "cooldown"),
      run: () => act(async () => void (await client.post(`${path}/reset`))),
    });
  }
  return [
    ...lines,
    ...cooldowns.map((one) => ({
      ...cooldownLine(one, state.now, context),
      category: "Cooldowns (Enter ends one)",
    })),
    { title: `Fingerprint ${key.fingerprint}`, description: `from ${key.source}`, category: "Facts" },
  ];
}

function cooldownsOf({ fingerprint }: RouterKey, { cooldowns }: RouterState): Cooldown[] {
  return cooldowns.filter((cooldown) => cooldown.fingerprint === fingerprint);
}

function nameOf({ provider, name }: RouterKey): string {
  return `${provider}/${name}`;
}

export function cooldownsPage(context: PageContext): ListPage {
  return {
    kind: "list",
    title: () => {
      const count = context.state()?.cooldowns.length ?? 0;
      return count === 0 ? "orouter: cooldowns" : `orouter: ${counted(count, "cooldown")} (Enter ends one)`;
    },
    lines: () => {
      const state = context.state();
      if (state === undefined) return [NOT_YET];
      if (state.cooldowns.length === 0) return [{ title: "No cooldowns: every key and model can be used." }];
      const rows = state.cooldowns.map((cooldown) => ({
        ...cooldownLine(cooldown, state.now, context),
        category: (cooldown.key ?? cooldown.model ?? cooldown.provider ?? "").split("/")[0] ?? "",
      }));
      return [...rows, { title: "End all cooldowns", category: "All", run: () => endAll(context) }];
    },
  };
}

function cooldownLine(cooldown: Cooldown, nowMs: number, { client, act }: PageContext): Line {
  return {
    title: partyWords(cooldown),
    description: verdictWords(cooldown.kind),
    footer: cooldown.untilMs === null ? "until it changes" : untilWords(cooldown.untilMs, nowMs),
    run: () => act(async () => void (await client.post("/reset", { id: cooldown.id }))),
  };
}

export function resetPage(context: PageContext): ConfirmPage {
  const count = context.state()?.cooldowns.length ?? 0;
  return {
    kind: "confirm",
    title: "orouter: reset cooldowns",
    message:
      count === 0
        ? "There are no cooldowns. The memory of past limits is cleared."
        : `${counted(count, "cooldown")} will end, and every key and model is tried again at once.`,
    onConfirm: () => endAll(context),
  };
}

function endAll({ client, act }: PageContext): void {
  act(async () => {
    const cleared = clearedIn(await client.post("/reset"));
    return cleared === 0 ? "There were no cooldowns." : `${counted(cleared, "cooldown")} ended.`;
  });
}

function partyWords({ scope, key, model, provider }: Cooldown): string {
  const who = key === null ? "a removed key" : shortKey(key);
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
