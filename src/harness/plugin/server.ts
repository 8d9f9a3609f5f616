import { readFileSync } from "node:fs";
import { counted } from "../../core/text.ts";
import {
  clearedIn,
  type PluginOptions,
  type RouterClient,
  type RouterKey,
  type RouterState,
  routerClient,
} from "./router-client.ts";
import { readinessWords, shortModel, untilWords } from "./words.ts";

export interface ServerOptions extends PluginOptions {
  /** Give shell commands a working key for each provider. */
  shellKeys: boolean;
  /** Offer the model tools that list, switch and reset keys. */
  tools: boolean;
  /** Variables that the run has changed, with the value for shell commands; null removes one. */
  shellEnv: Readonly<Record<string, string | null>>;
}

/** The part of opencode 2's plugin API that is used here. */
interface ServerContext {
  shell: { hook: (point: "create.before", change: (call: ShellCall) => Promise<void>) => Promise<unknown> };
  tool: { transform: (change: (editor: { add: (tool: object) => void }) => void) => Promise<unknown> };
}

interface ShellCall {
  env: Record<string, string>;
}

/** Next to the modules of the plugin folder. */
const OPTIONS_FILE = "./options.json";

/** opencode 1 passes the options of the plugin's entry in the configuration. */
async function server(_input: unknown, options: ServerOptions): Promise<object> {
  const client = routerClient(options);
  const change = shellChange(client, options);
  return {
    "shell.env": (_call: unknown, output: ShellCall) => change(output),
    ...(options.tools ? { tool: Object.fromEntries(routerTools(client).map(tool1)) } : {}),
  };
}

/** Called by opencode 2. */
async function setup(context: ServerContext): Promise<void> {
  const options: ServerOptions = JSON.parse(readFileSync(new URL(OPTIONS_FILE, import.meta.url), "utf8"));
  const client = routerClient(options);
  await context.shell.hook("create.before", shellChange(client, options));
  if (!options.tools) return;
  await context.tool.transform((editor) => {
    for (const tool of routerTools(client)) editor.add(tool2(tool));
  });
}

/** Changes the environment of a shell command that opencode is about to run. */
export function shellChange(
  client: Pick<RouterClient, "get">,
  { shellKeys, shellEnv }: Pick<ServerOptions, "shellKeys" | "shellEnv">,
): (call: ShellCall) => Promise<void> {
  return async ({ env }) => {
    for (const [name, value] of Object.entries(shellEnv)) {
      if (value === null) delete env[name];
      else env[name] = value;
    }
    if (!shellKeys) return;
    try {
      Object.assign(env, await client.get("/shell-keys"));
    } catch {
      // A shell without a key is better than no shell.
    }
  };
}

function tool1({ name, description, args, execute }: RouterTool): [name: string, tool: object] {
  return [name, { description, args, execute }];
}

/** Not in opencode 2's code mode: a model should find these tools without a search. */
function tool2({ name, description, args, execute }: RouterTool): object {
  return {
    name,
    description,
    input: { type: "object", properties: args, additionalProperties: false },
    options: { codemode: false },
    execute: async (input: Record<string, unknown>, call: { sessionID: string }) => ({
      content: [{ type: "text", text: await execute(input, call) }],
    }),
  };
}

/** A tool for the model. It sees names and states, never a secret. */
export interface RouterTool {
  name: string;
  description: string;
  args: Record<string, { type: "string"; description: string }>;
  execute: (args: Record<string, unknown>, call: { sessionID: string }) => Promise<string>;
}

const KEY = { type: "string", description: "The key's name, such as work or ollama-cloud/work" } as const;

export function routerTools(client: RouterClient): RouterTool[] {
  return [
    {
      name: "list_keys",
      description: "List the API keys of the model router, with their cooldowns.",
      args: {},
      execute: () => done(async () => keyList(await client.state())),
    },
    {
      name: "switch_key",
      description: "Continue this session with another API key of the model router.",
      args: { key: KEY },
      execute: (args, { sessionID }) =>
        done(async () => {
          const state = await client.state();
          const key = keyNamed(args["key"], state);
          if (key === undefined) return `There is no such key.\n${keyList(state)}`;
          await client.post(`/sessions/${encodeURIComponent(sessionID)}/key`, {
            fingerprint: key.fingerprint,
          });
          return `This session now uses ${nameOf(key)} while it is healthy.`;
        }),
    },
    {
      name: "reset_keys",
      description:
        "End the cooldowns of all API keys of the model router, or of one, so that they are tried again.",
      args: { key: { ...KEY, description: `${KEY.description}; empty for all keys` } },
      execute: (args) =>
        done(async () => {
          const isAll = typeof args["key"] !== "string" || args["key"] === "";
          const state = await client.state();
          const key = isAll ? undefined : keyNamed(args["key"], state);
          if (!isAll && key === undefined) return `There is no such key.\n${keyList(state)}`;
          const path = key === undefined ? "/reset" : `/keys/${key.fingerprint}/reset`;
          return `${counted(clearedIn(await client.post(path)), "cooldown")} ended.`;
        }),
    },
  ];
}

/** A tool that fails returns the reason; it must not end the model's turn. */
async function done(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    return (error as Error).message;
  }
}

function keyNamed(asked: unknown, { keys }: RouterState): RouterKey | undefined {
  return keys.find((key) => nameOf(key) === asked) ?? keys.find((key) => key.name === asked);
}

function keyList({ keys, cooldowns, now }: RouterState): string {
  const lines = keys.map((key) => {
    const lanes = cooldowns.flatMap(({ fingerprint, scope, model, untilMs }) =>
      fingerprint === key.fingerprint && scope === "lane" && untilMs !== null
        ? [`${shortModel(model ?? "")} ${untilWords(untilMs, now)}`]
        : [],
    );
    const paused = lanes.length === 0 ? "" : `; cooldown for ${lanes.join(", ")}`;
    return `${nameOf(key)}: ${readinessWords(key, now)}${paused}`;
  });
  return lines.join("\n");
}

function nameOf({ provider, name }: RouterKey): string {
  return `${provider}/${name}`;
}

// biome-ignore lint/style/noDefaultExport: opencode loads the default export
export default { id: "orouter", server, setup };
