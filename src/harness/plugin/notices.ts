import { NEVER_MS } from "../../core/routing/cooldown.ts";
import { counted, formatClock } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import type { RouterNews, RouterState } from "./router-client.ts";
import { shortKey, shortModel } from "./words.ts";

export interface Toast {
  variant: "info" | "success" | "warning" | "error";
  title: string;
  message: string;
}

/** A change that the user may want to know about. */
export interface Notice extends Toast {
  kind: "rotated" | "fell-back" | "waiting" | "quota" | "back" | "exhausted" | "settings" | "proxy";
  /** The result, for the line that summarises several notices. */
  now: string;
}

/** The proxy has ended while opencode runs. */
export const LOST: Notice = {
  kind: "proxy",
  variant: "warning",
  title: "orouter does not answer",
  message: "Its proxy is gone, so no model can be reached. The plugin keeps trying to reconnect.",
  now: "",
};

export const FOUND: Notice = {
  kind: "proxy",
  variant: "success",
  title: "orouter is back",
  message: "Its proxy answers again.",
  now: "",
};

export const MODELS_CHANGED: Notice = {
  kind: "settings",
  variant: "info",
  title: "Models have changed",
  message: "opencode has reloaded its list of models.",
  now: "",
};

export function noticeOf(news: RouterNews): Notice | undefined {
  switch (news.kind) {
    case "rotated":
      return {
        kind: "rotated",
        variant: "info",
        title: "Key changed",
        message: `${news.from}: ${verdictWords(news.why)}. Now using ${news.to} for ${shortModel(news.model)}.`,
        now: `now using ${news.to}`,
      };
    case "fell-back":
      return fellBack(news);
    case "exhausted":
      return exhausted(news);
    case "waiting":
      return waiting(news.wait);
    case "quota-warning":
      return {
        kind: "quota",
        variant: "warning",
        title: news.warning.kind === "runs dry" ? "Quota runs dry" : "Quota nearly used up",
        message: `${news.keyName}: ${news.warning.text}.`,
        now: "",
      };
    case "settings-refused":
      return {
        kind: "settings",
        variant: "warning",
        title: "Config change ignored",
        message: news.what,
        now: news.what,
      };
    case "models-changed":
      return undefined;
  }
}

function fellBack({ from, to, why }: Extract<RouterNews, { kind: "fell-back" }>): Notice {
  const provider = providerOf(to);
  // Two providers often have the same name for a model, or nearly the same.
  const model = `${shortModel(to)}${provider === providerOf(from) ? "" : ` of ${provider}`}`;
  return {
    kind: "fell-back",
    variant: "warning",
    title: "Model changed",
    message: `${shortModel(from)}: ${verdictWords(why)}. Now using ${model}.`,
    now: `now using ${model}`,
  };
}

/** A shorter wait is only shown beside the prompt. */
const LONG_WAIT_MS = 10_000;

function waiting({
  key,
  model,
  why,
  untilMs,
  sinceMs,
  isHold,
}: Extract<RouterNews, { kind: "waiting" }>["wait"]): Notice | undefined {
  if (isHold) {
    return {
      kind: "waiting",
      variant: "warning",
      title: "All keys are used up",
      message: `The request for ${shortModel(model)} waits for the reset of ${shortKey(key)} and continues at ${formatClock(untilMs, sinceMs)}. Esc ends it.`,
      now: "",
    };
  }
  if (untilMs - sinceMs < LONG_WAIT_MS) return undefined;
  const reason = why === "busy" ? "busy" : verdictWords(why);
  return {
    kind: "waiting",
    variant: "info",
    title: "Waiting for a key",
    message: `${shortKey(key)}: ${reason}. The request for ${shortModel(model)} continues at ${formatClock(untilMs, sinceMs)}.`,
    now: "",
  };
}

function providerOf(model: string): string {
  return model.slice(0, model.indexOf("/"));
}

/** Keys whose cooldowns are gone: they expired, or an answer or another process has ended them. */
export function backNotices(before: RouterState | undefined, after: RouterState): Notice[] {
  const still = new Set(after.cooldowns.map(({ id }) => id));
  const usable = new Set(after.keys.flatMap((key) => (key.enabled ? key.fingerprint : [])));
  return (before?.cooldowns ?? []).flatMap(({ id, key, fingerprint, model }) => {
    if (still.has(id) || key === null || fingerprint === null || !usable.has(fingerprint)) return [];
    const who = model === null ? shortKey(key) : `${shortKey(key)} for ${shortModel(model)}`;
    return {
      kind: "back",
      variant: "success",
      title: "Key is back",
      message: `${who}: the cooldown is over.`,
      now: who,
    } as const;
  });
}

/** The headline of a report without a cause of its own. */
const EXHAUSTED = "ALL KEYS EXHAUSTED!";

function exhausted({ headline, exhaustion }: Extract<RouterNews, { kind: "exhausted" }>): Notice {
  const { asked, atMs, keys } = exhaustion;
  const [first] = keys
    .flatMap(({ freeAtMs, isEndDeclared }) =>
      freeAtMs !== undefined && freeAtMs > atMs && freeAtMs < NEVER_MS ? [{ freeAtMs, isEndDeclared }] : [],
    )
    .toSorted((a, b) => a.freeAtMs - b.freeAtMs);
  const next =
    first === undefined
      ? "No key will recover on its own."
      : `The first key is ${first.isEndDeclared ? "free" : "asked"} again at ${formatClock(first.freeAtMs, atMs)}.`;
  return {
    kind: "exhausted",
    variant: "error",
    title: headline === EXHAUSTED ? "All keys exhausted" : "Request failed",
    message:
      headline === EXHAUSTED
        ? `No key can answer for ${shortModel(asked)}. ${next}`
        : `${headline}. ${first === undefined ? `Asked for ${shortModel(asked)}.` : next}`,
    now: `no key can answer for ${shortModel(asked)}`,
  };
}

export interface CalmOptions {
  show: (toast: Toast) => void;
  nowMs: () => number;
  after: (ms: number, call: () => void) => void;
}

/** Notices of one burst are shown together: a request that tries three keys is one event for the user. */
const BURST_MS = 200;

/** A toast replaces the one before it, so each gets time to be read. */
const READING_MS = 4000;

/** Suppress repeats for this long. */
const REPEAT_MS = 30_000;

/** Most important first; the first kind decides the colour of a summary. */
const KINDS = ["proxy", "exhausted", "waiting", "quota", "settings", "fell-back", "rotated", "back"] as const;

/** Combines notices into few readable toasts. */
export function calmToasts({ show, nowMs, after }: CalmOptions): (notice: Notice) => void {
  const told = new Map<string, number>();
  let waiting: Notice[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  const tell = (): void => {
    const notices = waiting;
    waiting = [];
    lastMs = nowMs();
    const toast = summary(notices);
    if (toast !== undefined) show(toast);
  };
  return (notice) => {
    const now = nowMs();
    for (const [message, atMs] of told) if (now - atMs > REPEAT_MS) told.delete(message);
    if (told.has(notice.message)) return;
    told.set(notice.message, now);
    waiting.push(notice);
    if (waiting.length === 1) after(Math.max(BURST_MS, lastMs + READING_MS - now), tell);
  };
}

function summary(notices: readonly Notice[]): Toast | undefined {
  const [only, ...others] = notices;
  if (only === undefined || others.length === 0) return only;
  const groups = KINDS.map((kind) => notices.filter((notice) => notice.kind === kind)).filter(
    (group) => group.length > 0,
  );
  const [first = notices] = groups;
  const { variant, title } = first.at(-1) ?? only;
  return { variant, title: groups.length === 1 ? title : "orouter", message: groups.map(lineOf).join("\n") };
}

/** A group in one line: how many, and the state after the last one. */
function lineOf(group: readonly Notice[]): string {
  const last = group.at(-1);
  if (last === undefined) return "";
  if (group.length === 1) return last.message;
  switch (last.kind) {
    case "rotated":
      return `${counted(group.length, "key change")}, ${last.now}.`;
    case "fell-back":
      return `${counted(group.length, "model change")}, ${last.now}.`;
    case "back":
      return `${counted(group.length, "cooldown")} over: ${group.map(({ now }) => now).join(", ")}.`;
    case "proxy":
    case "exhausted":
    case "waiting":
    case "settings":
      return last.message;
    case "quota":
      return group.map(({ message }) => message).join("\n");
  }
}
