import { withLoopback } from "../core/no-proxy.ts";

/** Bun sends even loopback calls to HTTP_PROXY: a provider on this machine would be looked for elsewhere. */
export function keepLoopbackDirect(env: Record<string, string | undefined>): void {
  const noProxy = withLoopback(env["NO_PROXY"] ?? env["no_proxy"]);
  env["NO_PROXY"] = noProxy;
  env["no_proxy"] = noProxy;
}
