import type { Notice } from "./notice.ts";
import { counted } from "./words.ts";

/** What is shown, whichever way the notices came. */
export type Shown = Pick<Notice, "variant" | "title" | "message">;

export interface CalmOptions {
  show: (toast: Shown) => void;
  nowMs: () => number;
  after: (ms: number, call: () => void) => void;
}

/** What comes within one burst is told together: a request that walks over three keys is one piece of news. */
const BURST_MS = 200;

/** A toast takes the place of the one before it, so each gets the time to be read. */
const READING_MS = 4000;

/** The same news again is none. */
const REPEAT_MS = 30_000;

/** The order in which kinds are told where there are several: what matters most is first, and gives the colour. */
const KINDS = ["proxy", "exhausted", "settings", "fell-back", "rotated", "back"] as const;

/** Tells notices as few, readable toasts: one for a change, never a storm. */
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

/** Several notices as one toast. */
export function summary(notices: readonly Notice[]): Shown | undefined {
  const [only, ...others] = notices;
  if (only === undefined || others.length === 0) return only;
  const groups = KINDS.map((kind) => notices.filter((notice) => notice.kind === kind)).filter(
    (group) => group.length > 0,
  );
  const [first] = groups;
  if (groups.length === 1 && first !== undefined)
    return { ...lead(first), title: titleOf(first), message: lineOf(first) };
  return { ...lead(first ?? notices), title: "orouter", message: groups.map(lineOf).join("\n") };
}

function lead(group: readonly Notice[]): Pick<Shown, "variant"> {
  return { variant: group.at(-1)?.variant ?? "info" };
}

function titleOf(group: readonly Notice[]): string {
  return group.at(-1)?.title ?? "";
}

/** A group in one line: how many, and what holds after the last of them. */
function lineOf(group: readonly Notice[]): string {
  const last = group.at(-1);
  if (last === undefined) return "";
  if (group.length === 1) return last.message;
  switch (last.kind) {
    case "rotated":
      return `${counted(group.length, "key change")}, ${last.now}.`;
    case "fell-back":
      return `${counted(group.length, "change")} of model, ${last.now}.`;
    case "back":
      return `${counted(group.length, "rest")} over: ${group.map(({ now }) => now).join(", ")}.`;
    case "proxy":
    case "exhausted":
    case "settings":
      return last.message;
  }
}
