import { NEVER_MS, type Rest } from "../core/routing/rest.ts";
import { VERSION } from "../core/version.ts";
import { eventFeed } from "./event-feed.ts";
import type { Router } from "./router.ts";

/** The `/_orouter` API: what the plugin, `status --watch` and outside tools see and steer. No secret is in it. */
export async function control(req: Request, path: string, router: Router): Promise<Response> {
  if (req.method === "GET") return read(path, router, req.signal);
  if (req.method !== "POST") return notFound();
  if (path === "/reset") return reset(await req.text(), router);
  const match = /^\/keys\/([0-9a-f]+)\/(enable|disable|reset)$/.exec(path);
  if (match?.[1] === undefined || match[2] === undefined) return notFound();
  return changeKey(match[1], match[2] as "enable" | "disable" | "reset", router);
}

function read(path: string, router: Router, signal: AbortSignal): Response {
  if (path === "/health") return Response.json({ ok: true, version: VERSION, pid: process.pid });
  if (path === "/state") return Response.json(stateOf(router));
  if (path === "/events") return eventFeed(router, signal);
  return notFound();
}

/** Everything a person may want to know of this run, as `/_orouter/state` and `status --json` have it. */
export function stateOf(router: Router): object {
  const nowMs = router.chance.nowMs();
  return {
    now: nowMs,
    strategy: router.policy.strategy,
    keys: router.allKeys.map((key) => ({
      provider: key.provider,
      name: key.name,
      fingerprint: key.fingerprint,
      enabled: key.enabled,
      source: key.source,
      inFlight: router.inFlight(key),
    })),
    rests: [...router.health.values()].filter((rest) => rest.untilMs > nowMs).map(restOf),
    waiting: router.waiting.length,
  };
}

function restOf(rest: Rest): object {
  const { id, scope, kind, status, message, sinceMs, untilMs, strikes } = rest;
  // JSON readers know no "never": an open end is null.
  return {
    id,
    scope,
    kind,
    status,
    message,
    sinceMs,
    untilMs: untilMs >= NEVER_MS ? null : untilMs,
    strikes,
  };
}

function reset(body: string, router: Router): Response {
  let which: { fingerprint?: string; model?: string } = {};
  if (body !== "") {
    try {
      const given = JSON.parse(body) as { fingerprint?: unknown; model?: unknown };
      if (typeof given.fingerprint === "string") which = { ...which, fingerprint: given.fingerprint };
      if (typeof given.model === "string") which = { ...which, model: given.model };
    } catch {
      return Response.json({ error: { message: "The body must be JSON, or empty." } }, { status: 400 });
    }
  }
  return Response.json({ cleared: router.reset(which) });
}

function changeKey(fingerprint: string, change: "enable" | "disable" | "reset", router: Router): Response {
  const key = router.allKeys.find((one) => one.fingerprint === fingerprint);
  if (key === undefined)
    return Response.json({ error: { message: "There is no such key." } }, { status: 404 });
  if (change === "reset") return Response.json({ cleared: router.reset({ fingerprint }) });
  router.setEnabled(fingerprint, change === "enable");
  return Response.json({ fingerprint, enabled: key.enabled });
}

function notFound(): Response {
  return Response.json(
    { error: { message: "There is nothing at this address of orouter." } },
    { status: 404 },
  );
}
