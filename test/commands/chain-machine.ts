import type { Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { keysToml, tempMachine } from "./orouter.ts";

/** Models of the scripted provider `work`, as it lists them. */
export const MODELS = ["gpt-oss:120b", "gemma4:31b", "kimi-k2.6", "glm-5.2"];

/** A config.toml as a person might keep it; `work` is the scripted provider. */
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

/** Tells who gets which reply; a model that says nothing answers well. */
export type Script = (call: Parameters<Scene["reply"]>[0]) => Reply | undefined;

/** A machine with two keys for a scripted provider, and chains of its models. */
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
