import type { BenchResult } from "../core/bench/results.ts";
import type { Key } from "../core/key.ts";
import { parseModelRef } from "../core/model-ref.ts";
import { Problem } from "../core/problem.ts";
import { quotaLines } from "../core/quota/quota-lines.ts";
import type {
  ControlAnswer,
  ControlBench,
  ControlChain,
  ControlCooldown,
  ControlKey,
  ControlModel,
  ControlQuota,
  ControlState,
} from "../core/routing/control-state.ts";
import {
  type Cooldown,
  type CooldownSelection,
  cooldownParty,
  isSelected,
  ownerOf,
} from "../core/routing/cooldown.ts";
import {
  cooldownEnd,
  keyReadiness,
  lastingCooldowns,
  modelReadiness,
  readinessJson,
} from "../core/routing/readiness.ts";
import { keepsSessions } from "../core/routing/session.ts";
import { type Chains, expandModels, type Move } from "../core/settings/chains.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { VERSION } from "../core/version.ts";
import type { Router } from "./router.ts";

export function lastAnswer(router: Router): () => ControlAnswer | undefined {
  let last: ControlAnswer | undefined;
  router.subscribe((event) => {
    if (event.kind !== "finished") return;
    const { atMs, durationMs, served, keyName } = event.record;
    if (served !== undefined && keyName !== undefined)
      last = { atMs: atMs + durationMs, model: served, key: keyName };
  });
  return () => last;
}

export function refusal(status: number, message: string): Response {
  return Response.json({ error: { message } }, { status });
}

/** The session uses this key while it is healthy. Only strategies that keep sessions respect it. */
export function pinKey(session: string, fingerprint: unknown, router: Router): Response {
  const { keys, policy } = router.snapshot;
  const key = keys.find((one) => one.fingerprint === fingerprint);
  if (session === "" || key === undefined) return refusal(404, "There is no such key.");
  const { provider, name } = key;
  if (!key.enabled) return refusal(409, `${provider}/${name} is disabled.`);
  if (!keepsSessions(policy.strategy))
    return refusal(409, `The strategy is ${policy.strategy}: every request gets its own key.`);
  router.sessions.of(session).stuckTo.set(provider, key.fingerprint);
  return Response.json({ provider, name });
}

/**
 * One usable key for each provider variable: with the fewest models in cooldown, then the least load. Leaves out
 * providers whose keys are all in cooldown, and placeholder keys.
 */
export function shellKeys(router: Router): Record<string, string> {
  const lasting = lastingCooldowns(router.cooldowns.values(), router.env.now());
  const parties = [...lasting.values()].map(cooldownParty);
  const cooldownsOf = (key: Key): number =>
    parties.filter((party) => party.fingerprint === key.fingerprint).length;
  const variables: Record<string, string> = {};
  for (const provider of router.snapshot.providers.values()) {
    const [key] = router.snapshot
      .keysOf(provider.id)
      .filter((one) => isReal(one, provider) && keyReadiness(one, lasting).kind === "ready")
      .toSorted((a, b) => cooldownsOf(a) - cooldownsOf(b) || router.inFlight(a) - router.inFlight(b));
    if (key === undefined) continue;
    for (const name of provider.env) if (!provider.sharedEnv.includes(name)) variables[name] = key.secret;
  }
  return variables;
}

function isReal(key: Key, provider: Provider): boolean {
  return key.source !== "embedded" && key.secret !== provider.placeholderKey;
}

export interface StateParts {
  router: Router;
  chains: Chains;
  benches: readonly BenchResult[];
  last: ControlAnswer | undefined;
}

type Lasting = ReadonlyMap<string, Cooldown>;

/** The content of `/_orouter/state`. */
export function controlState(parts: StateParts): ControlState {
  const { router } = parts;
  const nowMs = router.env.now();
  const lasting = lastingCooldowns(router.cooldowns.values(), nowMs);
  return {
    version: 2,
    now: nowMs,
    strategy: router.snapshot.policy.strategy,
    keys: keysOf(router, lasting),
    cooldowns: [...lasting.values()]
      .toSorted((a, b) => a.untilMs - b.untilMs)
      .map((cooldown) => cooldownOf(cooldown, router)),
    chains: chainsOf(parts, lasting),
    last: parts.last ?? null,
    waiting: router.queue.length,
    waits: router.queue.waits(),
    quotas: quotasOf(router),
    answers: router.answers.list(),
  };
}

function keysOf(router: Router, lasting: Lasting): ControlKey[] {
  return router.snapshot.keys.map((key) => ({
    provider: key.provider,
    name: key.name,
    fingerprint: key.fingerprint,
    enabled: key.enabled,
    source: key.source,
    inFlight: router.inFlight(key),
    ...readinessJson(keyReadiness(key, lasting)),
  }));
}

function quotasOf(router: Router): ControlQuota[] {
  const nowMs = router.env.now();
  return router.snapshot.keys.flatMap((key) => {
    const record = router.quotas.of(key);
    if (record === undefined) return [];
    const { provider, fingerprint } = key;
    return quotaLines(record, nowMs).map((line) => ({ provider, fingerprint, ...line }));
  });
}

function cooldownOf(cooldown: Cooldown, router: Router): ControlCooldown {
  const { id, scope, kind, status, message, sinceMs, failures } = cooldown;
  const party = cooldownParty(cooldown);
  const owner = ownerOf(party, router.snapshot.keys);
  return {
    id,
    scope,
    fingerprint: party.fingerprint ?? null,
    key: owner === undefined ? null : `${owner.provider}/${owner.name}`,
    model: party.model ?? null,
    provider: party.provider ?? null,
    kind,
    status,
    message,
    sinceMs,
    untilMs: cooldownEnd(cooldown),
    failures,
  };
}

function chainsOf({ chains, router, benches }: StateParts, lasting: Lasting): ControlChain[] {
  const measured = new Map(benches.map((bench) => [bench.model, benchOf(bench)]));
  const modelOf = (model: string): ControlModel[] => {
    const ref = parseModelRef(model);
    if (ref === undefined) return [];
    const { readiness, keys, ready } = modelReadiness(ref, router.snapshot.keys, lasting);
    return [{ model, keys, ready, ...readinessJson(readiness), bench: measured.get(model) ?? null }];
  };
  return Object.entries(chains).map(([name, entries]) => ({
    name,
    entries,
    models: expandModels([name], chains).flatMap(modelOf),
  }));
}

function benchOf({ atMs, firstTokenMs, tokensPerSecond }: BenchResult): ControlBench {
  return {
    atMs,
    firstTokenMs: firstTokenMs.median,
    tokensPerSecond: tokensPerSecond?.median ?? null,
  };
}

const encoder = new TextEncoder();

/** A regular comment lets a listener tell a quiet router from a dead one. */
const HEARTBEAT_MS = 15_000;

/** Events kept for a slow listener; one that does not read at all is disconnected. */
const UNREAD_EVENTS = 1_000;

export function eventFeed(router: Router, signal: AbortSignal): Response {
  let stop = (): void => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string): void => {
        controller.enqueue(encoder.encode(text));
        if ((controller.desiredSize ?? 0) > -UNREAD_EVENTS) return;
        stop();
        controller.close();
      };
      const unsubscribe = router.subscribe((event) => send(`data: ${JSON.stringify(event)}\n\n`));
      const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT_MS);
      stop = () => {
        clearInterval(heartbeat);
        unsubscribe();
      };
      signal.addEventListener("abort", stop, { once: true });
      send(": orouter\n\n");
    },
    cancel: () => stop(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

/** What a command allows the API to do beyond the router itself. */
export interface ControlHooks {
  /** The last benchmarks, if any are stored. */
  benches?: () => readonly BenchResult[];
  /**
   * Moves a model within a chain of the user's file and returns the chain's entries; throws a Problem with the reason.
   */
  moveInChain?: (chain: string, entry: string, move: Move) => Promise<readonly string[]>;
  /** Called when a client subscribes to the events. */
  onListener?: () => void;
  /** Whether secrets may be returned, for the shell commands of opencode. */
  givesKeys?: boolean;
}

export interface ControlOptions extends ControlHooks {
  router: Router;
  settings: () => Settings;
}

/** Serves `/_orouter`, for the plugin, `status --watch` and other tools. */
export type Control = (req: Request, path: string) => Promise<Response>;

export function createControl(options: ControlOptions): Control {
  const { router } = options;
  const last = lastAnswer(router);
  const read = (path: string, signal: AbortSignal): Response => {
    if (path === "/health") return Response.json({ ok: true, version: VERSION, pid: process.pid });
    if (path === "/events") {
      options.onListener?.();
      return eventFeed(router, signal);
    }
    if (path === "/state") {
      const { chains } = options.settings();
      return Response.json(
        controlState({ router, chains, benches: options.benches?.() ?? [], last: last() }),
      );
    }
    if (path === "/shell-keys" && options.givesKeys === true) return Response.json(shellKeys(router));
    return notFound();
  };
  return async (req, path) => {
    if (req.method === "GET") return read(path, req.signal);
    if (req.method !== "POST") return notFound();
    const text = await textWithin(req, MAX_BODY_BYTES);
    if (text === undefined) return refusal(413, "The body is too large for any request of this API.");
    const body = bodyOf(text);
    return body === undefined
      ? refusal(400, "The body must be a JSON object, or empty.")
      : change(path, body, options);
  };
}

type Body = Readonly<Record<string, unknown>>;

async function change(path: string, body: Body, options: ControlOptions): Promise<Response> {
  const { router } = options;
  if (path === "/reset") return reset(selectionOf(body), router);
  const [, kind = "", name = "", action = ""] =
    /^\/(keys|sessions|chains)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  if (kind === "keys") return changeKey(name, action, router);
  if (kind === "sessions" && action === "key") return pinKey(decoded(name), body["fingerprint"], router);
  if (kind === "chains" && action === "move") return moveInChain(decoded(name), body, options);
  return notFound();
}

/** Counts only active cooldowns, since ended ones are not shown anywhere. */
function reset(which: CooldownSelection, router: Router): Response {
  const lasting = lastingCooldowns(router.cooldowns.values(), router.env.now());
  router.reset(which);
  return Response.json({
    cleared: [...lasting.values()].filter((cooldown) => isSelected(cooldown, which)).length,
  });
}

function selectionOf(body: Body): CooldownSelection {
  const { id, fingerprint, model } = body;
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof fingerprint === "string" ? { fingerprint } : {}),
    ...(typeof model === "string" ? { model } : {}),
  };
}

function changeKey(fingerprint: string, action: string, router: Router): Response {
  if (action !== "enable" && action !== "disable" && action !== "reset") return notFound();
  if (!router.snapshot.keys.some((key) => key.fingerprint === fingerprint))
    return refusal(404, "There is no such key.");
  if (action === "reset") return reset({ fingerprint }, router);
  const enabled = action === "enable";
  router.setEnabled(fingerprint, enabled);
  return Response.json({ fingerprint, enabled });
}

async function moveInChain(name: string, { entry, move }: Body, options: ControlOptions): Promise<Response> {
  if (options.moveInChain === undefined) return refusal(404, "This run cannot change chains.");
  if (typeof entry !== "string" || !isMove(move))
    return refusal(400, 'Tell the entry, and a move: "up", "down", or a place from 1.');
  try {
    return Response.json({ name, entries: await options.moveInChain(name, entry, move) });
  } catch (error) {
    if (error instanceof Problem) return refusal(409, error.message);
    throw error;
  }
}

function isMove(move: unknown): move is Move {
  return move === "up" || move === "down" || typeof move === "number";
}

/** The longest request names a key, a model and a chain. */
const MAX_BODY_BYTES = 64 * 1024;

/** Undefined if the body is longer; the rest is not read. */
async function textWithin(req: Request, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of req.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Undefined if the body is not an object. */
function bodyOf(text: string): Body | undefined {
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** An invalid encoding matches nothing. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return "";
  }
}

function notFound(): Response {
  return refusal(404, "There is nothing at this address of orouter.");
}
