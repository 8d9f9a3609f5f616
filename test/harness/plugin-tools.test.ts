import { expect, test } from "bun:test";
import { shellEnv } from "../../src/harness/plugin/shell-env.ts";
import { routerTools } from "../../src/harness/plugin/tools.ts";
import { controlState, keyOf, restFor } from "./control-samples.ts";

const OPTIONS = { url: "", tokenFile: "", tools: false, npmVariables: ["npm_config_fetch_retries"] };
const SESSION = { sessionID: "ses_1" };

/** A proxy that notes what it is asked. */
function clientWith(answer: () => unknown = () => ({ cleared: 2 })) {
  const posts: unknown[] = [];
  const state = controlState({
    keys: [keyOf("work"), keyOf("home")],
    rests: [restFor("work", "a/vendor/big")],
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

test("list_keys tells names and rests", async () => {
  const text = await routerTools(clientWith().client)["list_keys"]?.execute({}, SESSION);
  expect(text).toMatch(/^a\/work: ready; rests for big until \S+ \(1 m\)\na\/home: ready$/);
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
  ["reset_keys", {}, [["/reset"]], "2 rests ended."],
  ["reset_keys", { key: "work" }, [[`/keys/${keyOf("work").fingerprint}/reset`]], "2 rests ended."],
  ["reset_keys", { key: "nobody" }, [], "There is no such key."],
])("%s %j", async (tool, args, expected, words) => {
  const { client, posts } = clientWith();
  expect(await routerTools(client)[tool]?.execute(args, SESSION)).toContain(words);
  expect(posts).toEqual(expected);
});

test("a tool that cannot do its work says why", async () => {
  const { client } = clientWith(() => {
    throw new Error("a/home is disabled.");
  });
  expect(await routerTools(client)["switch_key"]?.execute({ key: "home" }, SESSION)).toBe(
    "a/home is disabled.",
  );
});

test("shell commands get keys where that is wanted, and never what was meant for opencode's npm", async () => {
  const { client } = clientWith(() => ({ OLLAMA_API_KEY: "a-secret" }));
  const run = async (shellKeys: boolean): Promise<Record<string, string>> => {
    const output = { env: {} };
    await shellEnv(client, { ...OPTIONS, shellKeys })({}, output);
    return output.env;
  };
  expect(await run(true)).toEqual({ npm_config_fetch_retries: "", OLLAMA_API_KEY: "a-secret" });
  expect(await run(false)).toEqual({ npm_config_fetch_retries: "" });
});

test("a shell command runs without a key when the proxy does not answer", async () => {
  const { client } = clientWith(() => {
    throw new Error("gone");
  });
  const output = { env: {} };
  await shellEnv(client, { ...OPTIONS, shellKeys: true, npmVariables: [] })({}, output);
  expect(output.env).toEqual({});
});
