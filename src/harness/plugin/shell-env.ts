import type { ServerOptions } from "./plugin-options.ts";
import type { RouterClient } from "./router-client.ts";

type Hook = (input: unknown, output: { env: Record<string, string> }) => Promise<void>;

/**
 * The environment of the shell commands that opencode runs: a key that works now for each provider, where that is
 * wanted. What orouter gave opencode to bound npm's waits is taken back; npm leaves empty values out of account.
 */
export function shellEnv(client: RouterClient, { shellKeys, npmVariables }: ServerOptions): Hook {
  return async (_input, { env }) => {
    for (const name of npmVariables) env[name] = "";
    if (!shellKeys) return;
    try {
      Object.assign(env, await client.get("/shell-keys"));
    } catch {
      // A shell without a key is better than no shell.
    }
  };
}
