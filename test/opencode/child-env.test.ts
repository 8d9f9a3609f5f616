import { expect, test } from "bun:test";
import { withLoopback } from "../../src/core/no-proxy.ts";
import { childEnv } from "../../src/opencode/child-env.ts";

test("keys are taken out, ours is laid over, the rest stays", () => {
  const env = { PATH: "/bin", OLLAMA_API_KEY: "secret", EMPTY: "", GONE: undefined };
  const child = childEnv(env, { keyVariables: ["OLLAMA_API_KEY"], extra: { PATH: "/ours" } });
  expect(child).toEqual({
    PATH: "/ours",
    EMPTY: "",
    NO_PROXY: "127.0.0.1,localhost",
    no_proxy: "127.0.0.1,localhost",
  });
});

test.each([
  [undefined, "127.0.0.1,localhost"],
  ["", "127.0.0.1,localhost"],
  ["corp.example, .internal", "corp.example,.internal,127.0.0.1,localhost"],
  ["localhost", "localhost,127.0.0.1"],
  ["*", "*"],
])("NO_PROXY %p becomes %p", (list, expected) => {
  expect(withLoopback(list)).toBe(expected);
});
