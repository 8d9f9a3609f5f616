import { describe, expect, test } from "bun:test";
import { formatClock } from "../../src/core/text.ts";
import { chainPage, chainsPage, memberPage } from "../../src/harness/plugin/chain-pages.ts";
import * as opencode1 from "../../src/harness/plugin/host1.ts";
import * as opencode2 from "../../src/harness/plugin/host2.ts";
import {
  cooldownsPage,
  keyPage,
  keysPage,
  resetPage,
  statusPage,
} from "../../src/harness/plugin/key-pages.ts";
import type { ListPage, Page, PageContext, Pages } from "../../src/harness/plugin/page.ts";
import type { Chain, RouterState } from "../../src/harness/plugin/router-client.ts";
import { until } from "../proxy/rig.ts";
import { controlState, cooldownFor, keyOf, NOW_MS } from "./control-samples.ts";
import { solid } from "./solid.ts";

const WORK = keyOf("work");
const MODEL = { keys: 2, ready: 2, state: "ready", untilMs: null, why: null, bench: null } as const;
const CHAIN: Chain = {
  name: "coding",
  entries: ["a/big", "fast", "a/small"],
  models: [
    { ...MODEL, model: "a/big", bench: { atMs: NOW_MS, firstTokenMs: 420, tokensPerSecond: 85.4 } },
    { ...MODEL, model: "a/quick" },
    { ...MODEL, model: "a/small", state: "no-key", keys: 0, ready: 0 },
  ],
};

/** A context that records the requests to the proxy. */
function contextWith(state: RouterState, session?: string) {
  const posts: [path: string, body: unknown][] = [];
  const opened: Page[] = [];
  const context: PageContext = {
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
  return { context, posts, opened };
}

const titles = (page: ListPage): string[] => page.lines().map((line) => line.title);

function press(page: ListPage, title: string): void {
  const line = page.lines().find((one) => one.title === title);
  if (line?.run === undefined)
    throw new Error(`nothing to press at ${title} among ${titles(page).join(", ")}`);
  line.run();
}

test("the status lists every key and leads to the other pages", () => {
  const cooldowns = [cooldownFor("work"), cooldownFor("work", "a/big")];
  const { context, opened } = contextWith(
    controlState({ keys: [WORK, keyOf("home")], cooldowns, chains: [CHAIN] }),
  );
  const page = statusPage(context);
  expect(page.title()).toBe("orouter: 2 of 2 keys ready, sticky");
  expect(titles(page)).toEqual(["Cooldowns", "Fallback chains", "Reset cooldowns", "a/work", "a/home"]);
  expect(page.lines()[3]?.footer).toBe("1 model in cooldown");
  for (const title of ["a/work", "Cooldowns", "Fallback chains", "Reset cooldowns"]) press(page, title);
  expect(opened.map((one) => one.kind)).toEqual(["list", "list", "list", "confirm"]);
});

test("old state is marked as such", () => {
  const { context } = contextWith(controlState({ keys: [WORK] }));
  const page = statusPage({ ...context, isLost: () => true });
  expect(page.title()).toBe(`orouter does not answer; last seen ${formatClock(NOW_MS, NOW_MS)}`);
  expect(statusPage({ ...context, isLost: () => true, state: () => undefined }).title()).toBe(
    "orouter does not answer",
  );
});

test.each<[name: string, key: typeof WORK, session: string | undefined, expected: string[]]>([
  ["a key in use", WORK, undefined, ["Turn off", "End its cooldowns"]],
  ["a key in use, in a session", WORK, "ses_1", ["Turn off", "Use it in this session", "End its cooldowns"]],
  ["a key that is off", { ...WORK, enabled: false }, "ses_1", ["Turn on", "End its cooldowns"]],
])("the actions for %s", (_name, key, session, expected) => {
  const { context } = contextWith(controlState({ keys: [key], cooldowns: [cooldownFor("work")] }), session);
  expect(titles(keyPage(context, key.fingerprint)).slice(0, expected.length)).toEqual(expected);
});

test.each<[cleared: number, said: string]>([
  [0, "There were no cooldowns."],
  [1, "1 cooldown ended."],
  [7, "7 cooldowns ended."],
])("a reset reports that %d cooldowns have ended", async (cleared, said) => {
  const { context } = contextWith(controlState({ keys: [WORK], cooldowns: [] }));
  const sentences: Promise<string | undefined>[] = [];
  const client = { ...context.client, post: async () => ({ cleared }) };
  resetPage({ ...context, client, act: (work) => sentences.push(work()) }).onConfirm();
  expect(await Promise.all(sentences)).toEqual([said]);
});

test("every action calls the matching path of the proxy", () => {
  const rest = cooldownFor("work", "a/big");
  const { context, posts } = contextWith(
    controlState({ keys: [WORK], cooldowns: [rest], chains: [CHAIN] }),
    "ses_1",
  );
  const page = keyPage(context, WORK.fingerprint);
  press(page, "Turn off");
  press(page, "Use it in this session");
  press(page, "End its cooldowns");
  press(cooldownsPage(context), "work for big");
  press(cooldownsPage(context), "End all cooldowns");
  resetPage(context).onConfirm();
  press(memberPage(context, "coding", "a/small"), "Move up");
  press(memberPage(context, "coding", "a/small"), "Move to the top");
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
  const { context } = contextWith(controlState({ chains: [CHAIN] }));
  const page = chainsPage(context);
  expect(page.title()).toBe("orouter/coding: 3 models");
  expect(page.lines().map(({ title, description, footer }) => [title, description, footer])).toEqual([
    ["1 a/big", "ready, 2 of 2 keys", "0.42 s, 85 t/s"],
    ["2 fast", "another chain", undefined],
    ["3 a/small", "no key", undefined],
    ["Test every model", "one short question each", undefined],
  ]);
});

test("the first model cannot go up, nor the last one down", () => {
  const { context } = contextWith(controlState({ chains: [CHAIN] }));
  const moves = (entry: string) =>
    memberPage(context, "coding", entry)
      .lines()
      .slice(0, 3)
      .map(({ title, run }) => [title, run !== undefined]);
  // The lines keep their positions, so that repeated Enter does not move a model back and forth.
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

test("a session that switches to a key in cooldown learns for which model it has to wait", async () => {
  const state = controlState({ keys: [WORK], cooldowns: [cooldownFor("work", "a/big")] });
  const { context } = contextWith(state, "ses_1");
  const said: Promise<string | undefined>[] = [];
  press(
    keyPage({ ...context, act: (work) => said.push(work()) }, WORK.fingerprint),
    "Use it in this session",
  );
  expect(await Promise.all(said)).toEqual(["This session now uses a/work, for big when its cooldown ends."]);
});

test.each<[name: string, page: (context: PageContext) => ListPage, words: string]>([
  ["no chain", chainsPage, "No chains yet"],
  ["no cooldown", cooldownsPage, "No cooldowns"],
  ["a chain that is gone", (context) => chainPage(context, "old"), "This chain is gone"],
])("a page says so: %s", (_name, page, words) => {
  const { context } = contextWith(controlState({}));
  expect(titles(page(context)).join()).toContain(words);
});

test("before the first answer of the proxy no state is shown", () => {
  const { context } = contextWith(controlState({}));
  const page = keysPage({ ...context, state: () => undefined });
  expect(titles(page)).toEqual(["Waiting for the proxy's first answer."]);
});

/** The dialogs of opencode 1, as far as the plugin uses them. */
function dialogs1() {
  let open: { onClose: (() => void) | undefined }[] = [];
  const titlesSeen: string[] = [];
  const entered: (string | undefined)[] = [];
  let list: opencode1.SelectProps | undefined;
  const close = (): void => {
    for (const one of open) one.onClose?.();
    open = [];
  };
  const dialog = {
    replace: (render: () => unknown, onClose?: () => void) => {
      for (const one of open) one.onClose?.();
      open = [{ onClose }];
      titlesSeen.push(String(render()));
    },
    clear: close,
    setSize: () => {},
    get open() {
      return open.length > 0;
    },
  };
  const ui = {
    dialog,
    toast: () => {},
    DialogSelect: (props: opencode1.SelectProps) => {
      list = props;
      entered.push(props.current);
      return props.title;
    },
    DialogConfirm: ({ title }: { title: string }) => title,
  };
  return {
    pages: opencode1.dialogPages({ ui }, solid().cell),
    titlesSeen,
    entered,
    current: () => list?.current,
    pressEscape: close,
    pressEnterAt: (at: number) => {
      const option = list?.options[at];
      if (option !== undefined) list?.onSelect(option);
    },
    openOther: () => dialog.replace(() => "opencode's own"),
    isOpen: () => open.length > 0,
  };
}

/** The dialogs of opencode 2: each is a promise, and closes before it resolves. */
function dialogs2() {
  let settle: ((value: string | undefined) => void) | undefined;
  let isOtherOpen = false;
  const titlesSeen: string[] = [];
  const entered: (string | undefined)[] = [];
  let list: opencode2.SelectProps | undefined;
  const show = <T>(title: string): Promise<T | undefined> => {
    settle?.(undefined);
    titlesSeen.push(title);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    settle = resolve;
    return promise as Promise<T | undefined>;
  };
  const close = (value?: string): void => {
    const now = settle;
    settle = undefined;
    now?.(value);
  };
  const dialog: opencode2.Dialogs = {
    select: (props) => {
      list = props;
      entered.push(props.current);
      return show<string>(props.title);
    },
    confirm: ({ title }) => show<boolean>(title),
    set: () => {},
  };
  const mode = { current: () => (settle !== undefined || isOtherOpen ? "modal" : "base") };
  return {
    pages: opencode2.dialogPages(dialog, mode, solid().cell),
    titlesSeen,
    entered,
    current: () => list?.current,
    pressEscape: () => close(),
    pressEnterAt: (at: number) => close(list?.options[at]?.value),
    openOther: () => {
      isOtherOpen = true;
      titlesSeen.push("opencode's own");
      close();
    },
    isOpen: () => settle !== undefined,
  };
}

const named = (title: string): ListPage => ({ kind: "list", title: () => title, lines: () => [] });

/** A page with a text line and a line that opens another page. */
function listOver(pages: Pages): ListPage {
  const lines = () => [{ title: "one" }, { title: "two", run: () => pages.open(named("two")) }];
  return { kind: "list", title: () => "list", lines };
}

describe.each([
  ["opencode 1", dialogs1],
  ["opencode 2", dialogs2],
])("%s", (_version, makeHost) => {
  test("Escape goes back page by page, and leaves from the first", async () => {
    const host = makeHost();
    host.pages.start(named("first"));
    host.pages.open(named("second"));
    host.pages.open(named("third"));
    host.pressEscape();
    await until(() => host.titlesSeen.length === 4);
    host.pressEscape();
    await until(() => host.titlesSeen.length === 5);
    expect(host.titlesSeen).toEqual(["first", "second", "third", "second", "first"]);
    host.pressEscape();
    await until(() => !host.pages.isOpen());
    expect(host.isOpen()).toBe(false);
  });

  test("a list that is opened again has its cursor on the chosen line, and no line stays marked", async () => {
    const host = makeHost();
    host.pages.start(listOver(host.pages));
    host.pressEnterAt(1);
    await until(() => host.titlesSeen.length === 2);
    host.pressEscape();
    await until(() => host.titlesSeen.length === 3);
    expect(host.titlesSeen).toEqual(["list", "two", "list"]);
    expect(host.entered).toEqual([undefined, undefined, "1"]);
    await until(() => host.current() === undefined);
  });

  test("a dialog of opencode's own that takes the place is left alone", async () => {
    const host = makeHost();
    host.pages.start(named("first"));
    host.pages.open(named("second"));
    host.openOther();
    await until(() => !host.pages.isOpen());
    expect(host.titlesSeen).toEqual(["first", "second", "opencode's own"]);
  });
});

test("opencode 2: the page stays after a line that opens no other", async () => {
  const host = dialogs2();
  host.pages.start(listOver(host.pages));
  host.pressEnterAt(0);
  await until(() => host.titlesSeen.length === 2);
  expect(host.titlesSeen).toEqual(["list", "list"]);
  expect(host.entered).toEqual([undefined, "0"]);
});
