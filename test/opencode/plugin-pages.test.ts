import { expect, test } from "bun:test";
import type { ControlState } from "../../src/core/routing/control-state.ts";
import { chainPage, chainsPage } from "../../src/opencode/plugin/chains-page.ts";
import type { Desk } from "../../src/opencode/plugin/desk.ts";
import { dialogPages } from "../../src/opencode/plugin/dialog-pages.ts";
import { keyPage, keysPage } from "../../src/opencode/plugin/keys-page.ts";
import { memberPage } from "../../src/opencode/plugin/member-page.ts";
import type { ListPage, Page } from "../../src/opencode/plugin/page.ts";
import { resetPage, restsPage } from "../../src/opencode/plugin/rests-page.ts";
import { statusLine } from "../../src/opencode/plugin/status-line.ts";
import { statusPage } from "../../src/opencode/plugin/status-page.ts";
import { until } from "../proxy/rig.ts";
import { controlState, keyOf, NOW_MS, restFor } from "./control-samples.ts";

const WORK = keyOf("work");
const MODEL = { keys: 2, ready: 2, state: "ready", untilMs: null, why: null, bench: null } as const;
const CHAIN = {
  name: "coding",
  entries: ["a/big", "fast", "a/small"],
  models: [
    { ...MODEL, model: "a/big", bench: { atMs: NOW_MS, firstTokenMs: 420, tokensPerSecond: 85.4 } },
    { ...MODEL, model: "a/quick" },
    { ...MODEL, model: "a/small", state: "no-key", keys: 0, ready: 0 },
  ],
} as const;

/** A desk that notes what is asked of the proxy. */
function deskWith(state: ControlState, session?: string) {
  const posts: [path: string, body: unknown][] = [];
  const opened: Page[] = [];
  const desk: Desk = {
    client: {
      state: async () => state,
      get: async () => ({}),
      post: async (path, body) => {
        posts.push([path, body]);
        return { cleared: 1 };
      },
      events: () => Promise.reject(new Error("not here")),
      ask: () => Promise.reject(new Error("nobody is there")),
    },
    pages: { open: (page) => opened.push(page) },
    state: () => state,
    session: () => session,
    tests: () => new Map(),
    noteTest: () => {},
    act: (work) => void work(),
  };
  return { desk, posts, opened };
}

const titles = (page: ListPage): string[] => page.lines().map((line) => line.title);

function press(page: ListPage, title: string): void {
  const line = page.lines().find((one) => one.title === title);
  if (line?.run === undefined)
    throw new Error(`nothing to press at ${title} among ${titles(page).join(", ")}`);
  line.run();
}

test("the status lists every key and leads to all that can be done", () => {
  const rests = [restFor("work"), restFor("work", "a/big")];
  const { desk, opened } = deskWith(controlState({ keys: [WORK, keyOf("home")], rests, chains: [CHAIN] }));
  const page = statusPage(desk);
  expect(page.title()).toBe("orouter: 2 of 2 keys ready, sticky");
  expect(titles(page)).toEqual(["a/work", "a/home", "Resting lanes", "Fallback chains", "Reset limits"]);
  expect(page.lines()[0]?.footer).toBe("2 rests");
  for (const title of ["a/work", "Resting lanes", "Fallback chains", "Reset limits"]) press(page, title);
  expect(opened.map((one) => one.kind)).toEqual(["list", "list", "list", "confirm"]);
});

test.each<[name: string, key: typeof WORK, session: string | undefined, expected: string[]]>([
  ["a key in use", WORK, undefined, ["Turn off", "End its rests"]],
  ["a key in use, in a session", WORK, "ses_1", ["Turn off", "Use it in this session", "End its rests"]],
  ["a key that is off", { ...WORK, enabled: false }, "ses_1", ["Turn on", "End its rests"]],
])("what can be done with %s", (_name, key, session, expected) => {
  const { desk } = deskWith(controlState({ keys: [key], rests: [restFor("work")] }), session);
  expect(titles(keyPage(desk, key.fingerprint)).slice(0, expected.length)).toEqual(expected);
});

test("every action asks the proxy for what it says", () => {
  const rest = restFor("work", "a/big");
  const { desk, posts } = deskWith(controlState({ keys: [WORK], rests: [rest], chains: [CHAIN] }), "ses_1");
  const page = keyPage(desk, WORK.fingerprint);
  press(page, "Turn off");
  press(page, "Use it in this session");
  press(page, "End its rests");
  press(restsPage(desk), "work for big");
  press(restsPage(desk), "End all of them");
  resetPage(desk).onConfirm();
  press(memberPage(desk, "coding", "a/small"), "Move up");
  press(memberPage(desk, "coding", "a/small"), "Move to the top");
  expect(posts).toEqual([
    [`/keys/${WORK.fingerprint}/disable`, undefined],
    ["/sessions/ses_1/key", { fingerprint: WORK.fingerprint }],
    [`/keys/${WORK.fingerprint}/reset`, undefined],
    ["/reset", { id: rest.id }],
    ["/reset", undefined],
    ["/reset", undefined],
    ["/chains/coding/move", { entry: "a/small", move: "up" }],
    ["/chains/coding/move", { entry: "a/small", move: 1 }],
  ]);
});

test("a chain shows its models in order, with state and figures", () => {
  const { desk } = deskWith(controlState({ chains: [CHAIN] }));
  const page = chainsPage(desk);
  expect(page.title()).toBe("orouter/coding: 3 models");
  expect(page.lines().map(({ title, description, footer }) => [title, description, footer])).toEqual([
    ["1 a/big", "ready, 2 of 2 keys", "0.4 s, 85 t/s"],
    ["2 fast", "a chain of its own", undefined],
    ["3 a/small", "no key", undefined],
    ["Test every model", "one short question each", undefined],
  ]);
});

test("the first model cannot go up, nor the last one down", () => {
  const { desk } = deskWith(controlState({ chains: [CHAIN] }));
  expect(titles(memberPage(desk, "coding", "a/big"))).not.toContain("Move up");
  expect(titles(memberPage(desk, "coding", "a/small"))).not.toContain("Move down");
});

test.each<[name: string, page: (desk: Desk) => ListPage, words: string]>([
  ["no chain", chainsPage, "There is no chain yet."],
  ["nobody at rest", restsPage, "Nobody rests"],
  ["a chain that is gone", (desk) => chainPage(desk, "old"), "This chain is gone."],
])("%s is said", (_name, page, words) => {
  const { desk } = deskWith(controlState({}));
  expect(titles(page(desk)).join()).toContain(words);
});

test("before the proxy has answered nothing is made up", () => {
  const { desk } = deskWith(controlState({}));
  const page = keysPage({ ...desk, state: () => undefined });
  expect(titles(page)).toEqual(["The proxy has not answered yet."]);
  expect(statusLine(undefined)).toBe("");
});

test("the line beside the prompt names who answered, and the next end of a rest", () => {
  const last = { atMs: NOW_MS, model: "nvidia/openai/gpt-oss-120b", key: "work" };
  expect(statusLine(controlState({ last }))).toBe("work · gpt-oss-120b");
  const resting = statusLine(controlState({ last, rests: [restFor("work")] }));
  expect(resting).toMatch(/^work · gpt-oss-120b · rest ends \d\d:\d\d$/);
});

/** opencode's stack of dialogs, as far as ours depend on it. */
function hostDialogs() {
  let open: { onClose: (() => void) | undefined }[] = [];
  const titlesSeen: string[] = [];
  const dialog = {
    replace: (render: () => unknown, onClose?: () => void) => {
      for (const one of open) one.onClose?.();
      open = [{ onClose }];
      titlesSeen.push(String(render()));
    },
    clear: () => {
      for (const one of open) one.onClose?.();
      open = [];
    },
    setSize: () => {},
    get open() {
      return open.length > 0;
    },
  };
  const pressEscape = (): void => {
    open.at(-1)?.onClose?.();
    open = [];
  };
  const ui = {
    dialog,
    toast: () => {},
    DialogSelect: ({ title }: { title: string }) => title,
    DialogConfirm: ({ title }: { title: string }) => title,
  };
  return { ui, titlesSeen, pressEscape };
}

const named = (title: string): ListPage => ({ kind: "list", title: () => title, lines: () => [] });

test("Escape goes back page by page, and leaves from the first", async () => {
  const host = hostDialogs();
  const pages = dialogPages(host);
  pages.start(named("first"));
  pages.open(named("second"));
  pages.open(named("third"));
  host.pressEscape();
  await until(() => host.titlesSeen.length === 4);
  host.pressEscape();
  await until(() => host.titlesSeen.length === 5);
  expect(host.titlesSeen).toEqual(["first", "second", "third", "second", "first"]);
  host.pressEscape();
  await until(() => !pages.isOpen());
  expect(host.ui.dialog.open).toBe(false);
});

test("a dialog of opencode's own that takes the place is left alone", async () => {
  const host = hostDialogs();
  const pages = dialogPages(host);
  pages.start(named("first"));
  pages.open(named("second"));
  host.ui.dialog.replace(() => "opencode's own");
  await until(() => !pages.isOpen());
  expect(host.titlesSeen).toEqual(["first", "second", "opencode's own"]);
});
