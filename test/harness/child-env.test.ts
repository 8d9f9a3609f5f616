import { expect, test } from "bun:test";
import { withLoopback } from "../../src/core/no-proxy.ts";
import { buildOverlay, layOver } from "../../src/core/overlay/overlay.ts";
import { cleanEnv } from "../../src/harness/opencode/run-config.ts";
import { childEnv } from "../../src/harness/run/child.ts";

const LOOPBACK = "127.0.0.1,localhost,127.0.0.0/8,::1,[::1],0.0.0.0,::,[::]";

const ROOT = "/run/orouter";

test("keys are taken out, ours is laid over, the rest stays", () => {
  const env = { PATH: "/bin", OLLAMA_API_KEY: "secret", EMPTY: "", GONE: undefined };
  const child = childEnv(env, { without: ["OLLAMA_API_KEY"], extra: { PATH: "/ours" } });
  expect(child).toEqual({
    PATH: "/ours",
    EMPTY: "",
    NO_PROXY: LOOPBACK,
    no_proxy: LOOPBACK,
    OROUTER_ADDED: "NO_PROXY,no_proxy",
  });
});

const overlay = (id: string) =>
  buildOverlay({ baseUrl: "http://127.0.0.1:1", tokenFile: "/t", runId: id, providers: [] });

function within(env: Record<string, string>, id: string): Record<string, string> {
  const theirs = env["OPENCODE_CONFIG_CONTENT"];
  const content = layOver(theirs === undefined ? {} : JSON.parse(theirs), overlay(id));
  const extra = {
    OROUTER_RUN_ID: id,
    OPENCODE_CONFIG: `${ROOT}/run-1-${id}/opencode.json`,
    OPENCODE_CONFIG_CONTENT: JSON.stringify(content),
    OPENCODE_TUI_CONFIG: `${ROOT}/run-1-${id}/tui.json`,
    OPENCODE_DISABLE_AUTOUPDATE: "1",
  };
  return childEnv(env, { without: [], extra });
}

test("a clean environment has nothing of a run around it, nor any setting of ours", () => {
  const mine = { PATH: "/bin", OPENCODE_TUI_CONFIG: "/home/me/tui.json", OROUTER_HOME: "/o" };
  expect(cleanEnv({ PATH: "/bin", OROUTER_HOME: "/o" }, ROOT)).toEqual({ PATH: "/bin" });
  expect(cleanEnv(within({ PATH: "/bin" }, "outer"), ROOT)).toEqual({ PATH: "/bin" });
  expect(cleanEnv(mine, ROOT)).toEqual({ PATH: "/bin", OPENCODE_TUI_CONFIG: "/home/me/tui.json" });
});

test("the user's own content comes out as it went in, through any number of runs", () => {
  const env = { PATH: "/bin", OPENCODE_CONFIG_CONTENT: '{"username":"me"}' };
  expect(cleanEnv(within(within(env, "outer"), "inner"), ROOT)).toEqual(env);
});

test("what a run around this one has added is not taken for the user's own by the next", () => {
  const inner = within(within({ PATH: "/bin" }, "outer"), "inner");
  expect(cleanEnv(inner, ROOT)).toEqual({ PATH: "/bin" });
});

test.each(["{ nonsense", "[]", '{"x-mine": true}', ""])("content that is not ours stays: %j", (text) => {
  const env = { OPENCODE_CONFIG_CONTENT: text };
  expect(cleanEnv(env, ROOT)).toEqual(env);
});

test.each([
  [undefined, LOOPBACK],
  ["", LOOPBACK],
  ["corp.example, .internal", `corp.example,.internal,${LOOPBACK}`],
  ["localhost", "localhost,127.0.0.1,127.0.0.0/8,::1,[::1],0.0.0.0,::,[::]"],
  ["*", "*"],
])("NO_PROXY %p becomes %p", (list, expected) => {
  expect(withLoopback(list)).toBe(expected);
});
