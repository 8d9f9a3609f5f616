import { withLoopback } from "../core/no-proxy.ts";

type Env = Record<string, string | undefined>;

export interface ChildEnvOptions {
  /** The variables whose secrets orouter holds: opencode and its shell tool must not see them. */
  keyVariables: readonly string[];
  /** What this run adds: the overlay, its id, … */
  extra: Record<string, string>;
}

/** Linux refuses a single variable above 128 KiB (E2BIG at exec). */
export const MAX_ENV_BYTES = 120_000;

/** The environment opencode gets: the user's, less the keys, with loopback kept away from any HTTP proxy. */
export function childEnv(env: Env, options: ChildEnvOptions): Record<string, string> {
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) child[name] = value;
  for (const name of options.keyVariables) delete child[name];
  // With HTTP_PROXY set and no exception, opencode sends its loopback calls to that proxy (opencode #4924).
  const noProxy = withLoopback(env["NO_PROXY"] ?? env["no_proxy"]);
  return { ...child, NO_PROXY: noProxy, no_proxy: noProxy, ...options.extra };
}
