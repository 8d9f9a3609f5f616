import { expect, test } from "bun:test";
import { formatClock } from "../../src/core/clock-text.ts";
import type { ControlState } from "../../src/core/routing/control-state.ts";
import { chainPage, chainsPage } from "../../src/harness/plugin/chains-page.ts";
import type { Desk } from "../../src/harness/plugin/desk.ts";
import { dialogPages } from "../../src/harness/plugin/dialog-pages.ts";
import { keyPage, keysPage } from "../../src/harness/plugin/keys-page.ts";
import { memberPage } from "../../src/harness/plugin/member-page.ts";
import type { ListPage, Page } from "../../src/harness/plugin/page.ts";
import { resetPage, restsPage } from "../../src/harness/plugin/rests-page.ts";
import { lineRoom, statusLine } from "../../src/harness/plugin/status-line.ts";
import { statusPage } from "../../src/harness/plugin/status-page.ts";
import type { SelectProps } from "../../src/harness/plugin/tui-api.ts";
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
    isLost: () => false,
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
  expect(titles(page)).toEqual(["Resting lanes", "Fallback chains", "Reset limits", "a/work", "a/home"]);
  expect(page.lines()[3]?.footer).toBe("rests for 1 model");
  for (const title of ["a/work", "Resting lanes", "Fallback chains", "Reset limits"]) press(page, title);
  expect(opened.map((one) => one.kind)).toEqual(["list", "list", "list", "confirm"]);
});

test("what is old is shown as such", () => {
  const { desk } = deskWith(controlState({ keys: [WORK] }));
  const page = statusPage({ ...desk, isLost: () => true });
  expect(page.title()).toBe(`orouter does not answer; as of ${formatClock(NOW_MS, NOW_MS)}`);
  expect(statusPage({ ...desk, isLost: () => true, state: () => undefined }).title()).toBe(
    "orouter does not answer",
  );
});

test.each<[name: string, key: typeof WORK, session: string | undefined, expected: string[]]>([
  ["a key in use", WORK, undefined, ["Turn off", "End its rests"]],
  ["a key in use, in a session", WORK, "ses_1", ["Turn off", "Use it in this session", "End its rests"]],
  ["a key that is off", { ...WORK, enabled: false }, "ses_1", ["Turn on", "End its rests"]],
])("what can be done with %s", (_name, key, session, expected) => {
  const { desk } = deskWith(controlState({ keys: [key], rests: [restFor("work")] }), session);
  expect(titles(keyPage(desk, key.fingerprint)).slice(0, expected.length)).toEqual(expected);
});

test.each<[cleared: number, said: string]>([
  [0, "Nobody rested."],
  [1, "1 rest has ended."],
  [7, "7 rests have ended."],
])("a reset that ends %d rests says so", async (cleared, said) => {
  const { desk } = deskWith(controlState({ keys: [WORK], rests: [] }));
  const sentences: Promise<string | undefined>[] = [];
  const client = { ...desk.client, post: async () => ({ cleared }) };
  resetPage({ ...desk, client, act: (work) => sentences.push(work()) }).onConfirm();
  expect(await Promise.all(sentences)).toEqual([said]);
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
    ["1 a/big", "ready, 2 of 2 keys", "0.42 s, 85 t/s"],
    ["2 fast", "a chain of its own", undefined],
    ["3 a/small", "no key", undefined],
    ["Test every model", "one short question each", undefined],
  ]);
});

test("the first model cannot go up, nor the last one down", () => {
  const { desk } = deskWith(controlState({ chains: [CHAIN] }));
  const moves = (entry: string) =>
    memberPage(desk, "coding", entry)
      .lines()
      .slice(0, 3)
      .map(({ title, run }) => [title, run !== undefined]);
  // In the same places for each, so that Enter pressed again and again does not move a model to and fro.
  expect(moves("a/big")).toEqual([
    ["Move up", false],
    ["Move down", true],
    ["Move to the top", false],
  ]);
  expect(moves("a/small")).toEqual([
    ["Move up", true],
    ["Move down", false],
    ["Move to the top", true],
  ]);
});

test("a session that goes on with a key at rest is told for which model later", async () => {
  const state = controlState({ keys: [WORK], rests: [restFor("work", "a/big")] });
  const { desk } = deskWith(state, "ses_1");
  const said: Promise<string | undefined>[] = [];
  press(keyPage({ ...desk, act: (work) => said.push(work()) }, WORK.fingerprint), "Use it in this session");
  expect(await Promise.all(said)).toEqual([
    "This session goes on with a/work, for big once it rests no more.",
  ]);
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
  expect(statusLine(undefined, 40)).toBe("");
});

test("the line beside the prompt names who answered, and the next end of a rest", () => {
  const last = { atMs: NOW_MS, model: "nvidia/openai/gpt-oss-120b", key: "work" };
  expect(statusLine(controlState({ last }), 40)).toBe("work · gpt-oss-120b");
  const resting = statusLine(controlState({ last, rests: [restFor("work")] }), 40);
  expect(resting).toMatch(/^work · gpt-oss-120b · rest ends \d\d:\d\d$/);
  const gone = { ...restFor("gone"), key: null };
  expect(statusLine(controlState({ last, rests: [gone] }), 40)).toBe("work · gpt-oss-120b");
});

test.each<[place: "home" | "session", columns: number, expected: RegExp]>([
  ["session", 80, /^work · gpt-oss-… · rest ends \d\d:\d\d$/],
  ["session", 100, /^work · gpt-oss-120b · rest ends \d\d:\d\d$/],
  // The sidebar has come.
  ["session", 121, /^work · gpt-oss… · rest ends \d\d:\d\d$/],
  ["session", 60, /^work · rest ends \d\d:\d\d$/],
  ["home", 200, /^work · rest ends \d\d:\d\d$/],
])("the line has its place beside opencode's words, in a %s of %i columns", (place, columns, expected) => {
  const last = { atMs: NOW_MS, model: "nvidia/openai/gpt-oss-120b", key: "work" };
  const state = controlState({ last, rests: [restFor("work")] });
  expect(statusLine(state, lineRoom(place, columns))).toMatch(expected);
});

/** opencode's stack of dialogs, as far as ours depend on it. */
function hostDialogs() {
  let open: { onClose: (() => void) | undefined }[] = [];
  const titlesSeen: string[] = [];
  const lists: SelectProps[] = [];
  const entered: (string | undefined)[] = [];
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
    DialogSelect: (props: SelectProps) => {
      lists.push(props);
      entered.push(props.current);
      return props.title;
    },
    DialogConfirm: ({ title }: { title: string }) => title,
  };
  return { ui, titlesSeen, lists, entered, pressEscape };
}

/** A value that nobody is told of. */
function cell(first: string | undefined): [() => string | undefined, (value: undefined) => void] {
  let now = first;
  return [
    () => now,
    (value) => {
      now = value;
    },
  ];
}

const named = (title: string): ListPage => ({ kind: "list", title: () => title, lines: () => [] });

test("Escape goes back page by page, and leaves from the first", async () => {
  const host = hostDialogs();
  const pages = dialogPages(host, cell);
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

test("whoever comes back to a list is where they left it, and no line stays marked", async () => {
  const host = hostDialogs();
  const pages = dialogPages(host, cell);
  const list: ListPage = {
    kind: "list",
    title: () => "list",
    lines: () => [{ title: "one" }, { title: "two", run: () => pages.open(named("two")) }],
  };
  pages.start(list);
  const [two] = (host.lists[0]?.options ?? []).slice(1);
  if (two === undefined) throw new Error("the list has no second line");
  host.lists[0]?.onSelect(two);
  host.pressEscape();
  await until(() => host.titlesSeen.length === 3);
  expect(host.entered).toEqual([undefined, undefined, two.value]);
  await until(() => host.lists[2]?.current === undefined);
});

test("a dialog of opencode's own that takes the place is left alone", async () => {
  const host = hostDialogs();
  const pages = dialogPages(host, cell);
  pages.start(named("first"));
  pages.open(named("second"));
  host.ui.dialog.replace(() => "opencode's own");
  await until(() => !pages.isOpen());
  expect(host.titlesSeen).toEqual(["first", "second", "opencode's own"]);
});
