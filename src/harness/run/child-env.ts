import { withLoopback } from "../../core/no-proxy.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export interface ChildEnvOptions {
  /** Variables that the agent and its shell tool must not see, above all orouter's keys. */
  without: readonly string[];
  extra: Record<string, string>;
}

/** Linux rejects a single variable above 128 KiB (E2BIG at exec). */
export const MAX_ENV_BYTES = 120_000;

/** Lists the variables that a run has added, so that a nested run can remove them. */
const ADDED = "OROUTER_ADDED";

/** The user's environment without the keys, and with loopback excluded from any HTTP proxy. */
export function childEnv(env: Env, options: ChildEnvOptions): Record<string, string> {
  const child = withoutAdded(env);
  // With HTTP_PROXY set and no exception, opencode sends its loopback requests to that proxy (opencode #4924).
  const noProxy = withLoopback(child["NO_PROXY"] ?? child["no_proxy"]);
  const extra: Record<string, string> = { NO_PROXY: noProxy, no_proxy: noProxy, ...options.extra };
  const added = Object.keys(extra).filter((name) => child[name] === undefined);
  for (const name of options.without) delete child[name];
  return { ...child, ...extra, [ADDED]: added.join(",") };
}

/** The user's environment without what an outer run has added. */
export function withoutAdded(env: Env): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) own[name] = value;
  for (const name of (env[ADDED] ?? "").split(",")) delete own[name];
  return own;
}

/** Also without any setting of orouter. */
export function withoutOurs(env: Env): Record<string, string> {
  const own = withoutAdded(env);
  for (const name of Object.keys(own)) if (name.startsWith("OROUTER_")) delete own[name];
  return own;
}
