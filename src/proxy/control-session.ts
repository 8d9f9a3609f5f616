import { refusal } from "./control-refusal.ts";
import type { Router } from "./router.ts";

/** Has a session go on with a key, as long as that key is healthy. Only a strategy that keeps sessions heeds it. */
export function pinKey(session: string, fingerprint: unknown, router: Router): Response {
  const { keys, policy } = router.terms;
  const key = keys.find((one) => one.fingerprint === fingerprint);
  if (session === "" || key === undefined) return refusal(404, "There is no such key.");
  const { provider, name } = key;
  if (!key.enabled) return refusal(409, `${provider}/${name} is disabled.`);
  if (policy.strategy !== "sticky")
    return refusal(409, `The strategy is ${policy.strategy}: every request gets a key of its own.`);
  router.sessions.of(session).stuckTo.set(provider, key.fingerprint);
  return Response.json({ provider, name });
}
