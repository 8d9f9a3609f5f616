import { withLoopback } from "../../core/no-proxy.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export interface ChildEnvOptions {
  /** Variables that the agent and its shell tool must not see: the keys that orouter holds, above all. */
  without: readonly string[];
  /** What this run adds: the overlay, its id, … */
  extra: Record<string, string>;
}

/** Linux refuses a single variable above 128 KiB (E2BIG at exec). */
export const MAX_ENV_BYTES = 120_000;

/** Names the variables that a run has added to the user's, so that a run within it can take them back. */
const ADDED = "OROUTER_ADDED";

/** The environment of an agent behind the proxy: the user's, less the keys, with loopback kept away from any HTTP proxy. */
export function childEnv(env: Env, options: ChildEnvOptions): Record<string, string> {
  const child = withoutAdded(env);
  // With HTTP_PROXY set and no exception, opencode sends its loopback calls to that proxy (opencode #4924).
  const noProxy = withLoopback(child["NO_PROXY"] ?? child["no_proxy"]);
  const extra: Record<string, string> = { NO_PROXY: noProxy, no_proxy: noProxy, ...options.extra };
  const added = Object.keys(extra).filter((name) => child[name] === undefined);
  for (const name of options.without) delete child[name];
  return { ...child, ...extra, [ADDED]: added.join(",") };
}

/** The user's environment, without what a run of ours around this one has added to it. */
export function withoutAdded(env: Env): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) own[name] = value;
  for (const name of (env[ADDED] ?? "").split(",")) delete own[name];
  return own;
}

/** The same without any setting of orouter. */
export function withoutOurs(env: Env): Record<string, string> {
  const own = withoutAdded(env);
  for (const name of Object.keys(own)) if (name.startsWith("OROUTER_")) delete own[name];
  return own;
}
