import type { Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { keysToml, tempMachine } from "./orouter.ts";

export const MODELS = ["gpt-oss:120b", "gemma4:31b", "kimi-k2.6", "glm-5.2"];

export function configOf(upstream: Pick<Upstream, "baseUrl">): string {
  return `# my settings
[providers.work]   # the box in the cellar
base_url = "${upstream.baseUrl}"

[models_dev]
enabled = false    # no calls to others

[[models]]
match = "gpt-oss"
context = 131072
output = 32768
[[models]]
id = "work/gemma4:31b"
context = 65536

# what I use
[chains]
# for work
coding = [
  "work/gpt-oss:120b",   # the best first
  "work/gemma4:31b",     # then the quick one
]
small = ["work/gemma4:31b"]   # for a laugh

[fallbacks]
"*" = ["coding"]   # whatever happens
`;
}

/** The reply of each call; a normal answer if undefined. */
export type Script = (call: Parameters<Scene["reply"]>[0]) => Reply | undefined;

export async function chainMachine(script: Script = () => undefined) {
  const keys = ["first", "second"].map((name) => ({ name, secret: `scripted-${name}` }));
  const upstream = await startUpstream({
    name: "chains",
    title: "",
    about: "",
    keys,
    models: MODELS,
    reply: (call) => script(call) ?? { kind: "answer", text: "OK", chunkEveryMs: 5 },
  });
  const machine = tempMachine();
  await machine.write("config.toml", configOf(upstream));
  await machine.write(
    "keys.toml",
    keysToml(...keys.map(({ name, secret }) => ({ provider: "work", name, value: secret }))),
  );
  return {
    ...machine,
    upstream,
    config: configOf(upstream),
    [Symbol.asyncDispose]: async () => {
      machine[Symbol.dispose]();
      await upstream.stop();
    },
  };
}
