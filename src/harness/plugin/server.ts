import type { ServerOptions } from "./plugin-options.ts";
import { routerClient } from "./router-client.ts";
import { shellEnv } from "./shell-env.ts";
import { routerTools } from "./tools.ts";

/** Only what was asked for: each part is a setting of its own. */
async function server(_input: unknown, options: ServerOptions): Promise<object> {
  const client = routerClient(options);
  return {
    "shell.env": shellEnv(client, options),
    ...(options.tools ? { tool: routerTools(client) } : {}),
  };
}

// biome-ignore lint/style/noDefaultExport: it is what opencode looks for
export default { id: "orouter-server", server };
