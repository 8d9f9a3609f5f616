import { expect, test } from "bun:test";
import { routerTools, shellChange } from "../../src/harness/plugin/server.ts";
import { controlState, cooldownFor, keyOf } from "./control-samples.ts";

const SESSION = { sessionID: "ses_1" };

/** A proxy that records its requests. */
function clientWith(answer: () => unknown = () => ({ cleared: 2 })) {
  const posts: unknown[] = [];
  const state = controlState({
    keys: [keyOf("work"), keyOf("home")],
    cooldowns: [cooldownFor("work", "a/vendor/big")],
  });
  const client = {
    state: async () => state,
    get: async () => answer(),
    post: async (path: string, body?: object) => {
      posts.push(body === undefined ? [path] : [path, body]);
      return answer();
    },
    events: () => Promise.reject(new Error("not here")),
    ask: () => Promise.reject(new Error("not here")),
  };
  return { client, posts };
}

const toolOf = (client: ReturnType<typeof clientWith>["client"], name: string) =>
  routerTools(client).find((tool) => tool.name === name);

test("list_keys shows names and cooldowns", async () => {
  const text = await toolOf(clientWith().client, "list_keys")?.execute({}, SESSION);
  expect(text).toMatch(/^a\/work: ready; cooldown for big until \S+ \(1 m\)\na\/home: ready$/);
});

test.each<[tool: string, args: Record<string, unknown>, posts: unknown[], words: string]>([
  [
    "switch_key",
    { key: "home" },
    [["/sessions/ses_1/key", { fingerprint: keyOf("home").fingerprint }]],
    "a/home",
  ],
  [
    "switch_key",
    { key: "a/home" },
    [["/sessions/ses_1/key", { fingerprint: keyOf("home").fingerprint }]],
    "a/home",
  ],
  ["switch_key", { key: "nobody" }, [], "There is no such key.\na/work"],
  ["reset_keys", {}, [["/reset"]], "2 cooldowns ended."],
  ["reset_keys", { key: "work" }, [[`/keys/${keyOf("work").fingerprint}/reset`]], "2 cooldowns ended."],
  ["reset_keys", { key: "nobody" }, [], "There is no such key."],
])("%s %j", async (tool, args, expected, words) => {
  const { client, posts } = clientWith();
  expect(await toolOf(client, tool)?.execute(args, SESSION)).toContain(words);
  expect(posts).toEqual(expected);
});

test("a tool that fails returns the reason", async () => {
  const { client } = clientWith(() => {
    throw new Error("a/home is disabled.");
  });
  expect(await toolOf(client, "switch_key")?.execute({ key: "home" }, SESSION)).toBe("a/home is disabled.");
});

test("shell commands get keys on request, and never the variables of the run", async () => {
  const { client } = clientWith(() => ({ OLLAMA_API_KEY: "a-secret" }));
  const run = async (shellKeys: boolean): Promise<Record<string, string>> => {
    const env = { OPENCODE_CONFIG_CONTENT: "ours", OPENCODE_CONFIG: "ours", HOME: "/home" };
    const shellEnv = {
      OPENCODE_CONFIG_CONTENT: null,
      OPENCODE_CONFIG: "theirs",
      npm_config_fetch_retries: "",
    };
    await shellChange(client, { shellKeys, shellEnv })({ env });
    return env;
  };
  const own = { HOME: "/home", OPENCODE_CONFIG: "theirs", npm_config_fetch_retries: "" };
  expect(await run(true)).toEqual({ ...own, OLLAMA_API_KEY: "a-secret" });
  expect(await run(false)).toEqual(own);
});

test("a shell command runs without a key when the proxy does not answer", async () => {
  const { client } = clientWith(() => {
    throw new Error("gone");
  });
  const env = {};
  await shellChange(client, { shellKeys: true, shellEnv: {} })({ env });
  expect(env).toEqual({});
});
