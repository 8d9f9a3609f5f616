import type { ControlKey, ControlState } from "../../core/routing/control-state.ts";
import type { RouterClient } from "./router-client.ts";
import { counted, readinessWords, shortModel, untilWords } from "./words.ts";

interface ToolContext {
  sessionID: string;
}

interface Tool {
  description: string;
  args: Record<string, { type: "string"; description: string }>;
  execute: (args: Record<string, unknown>, context: ToolContext) => Promise<string>;
}

const KEY = { type: "string", description: "The key's name, such as work or ollama-cloud/work" } as const;

/** What the model itself may see and do: names and states, never a secret. */
export function routerTools(client: RouterClient): Record<string, Tool> {
  return {
    list_keys: {
      description: "List the API keys that the model router uses, and which of them rest until when.",
      args: {},
      execute: async () => keyList(await client.state()),
    },
    switch_key: {
      description: "Have this session go on with another API key of the model router.",
      args: { key: KEY },
      execute: async (args, { sessionID }) => {
        const state = await client.state();
        const key = keyNamed(args["key"], state);
        if (key === undefined) return `There is no such key.\n${keyList(state)}`;
        return await done(async () => {
          await client.post(`/sessions/${encodeURIComponent(sessionID)}/key`, {
            fingerprint: key.fingerprint,
          });
          return `This session goes on with ${nameOf(key)}, as long as it is healthy.`;
        });
      },
    },
    reset_keys: {
      description:
        "End the rests of all API keys of the model router, or of one, so that they are tried again.",
      args: { key: { ...KEY, description: `${KEY.description}; empty for all of them` } },
      execute: async (args) => {
        const isAll = typeof args["key"] !== "string" || args["key"] === "";
        const state = await client.state();
        const key = isAll ? undefined : keyNamed(args["key"], state);
        if (!isAll && key === undefined) return `There is no such key.\n${keyList(state)}`;
        return await done(async () => {
          const path = key === undefined ? "/reset" : `/keys/${key.fingerprint}/reset`;
          const { cleared } = (await client.post(path)) as { cleared: number };
          return `${counted(cleared, "rest")} ended.`;
        });
      },
    },
  };
}

/** A tool that cannot do its work says so; it must not end the model's turn. */
async function done(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    return (error as Error).message;
  }
}

function keyNamed(asked: unknown, { keys }: ControlState): ControlKey | undefined {
  return keys.find((key) => nameOf(key) === asked) ?? keys.find((key) => key.name === asked);
}

function keyList({ keys, rests, now }: ControlState): string {
  const lines = keys.map((key) => {
    const lanes = rests.flatMap(({ fingerprint, scope, model, untilMs }) =>
      fingerprint === key.fingerprint && scope === "lane" && untilMs !== null
        ? [`${shortModel(model ?? "")} ${untilWords(untilMs, now)}`]
        : [],
    );
    const resting = lanes.length === 0 ? "" : `; rests for ${lanes.join(", ")}`;
    return `${nameOf(key)}: ${readinessWords(key, now)}${resting}`;
  });
  return lines.join("\n");
}

function nameOf({ provider, name }: ControlKey): string {
  return `${provider}/${name}`;
}
