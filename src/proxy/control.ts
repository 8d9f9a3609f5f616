import type { BenchResult } from "../core/bench/results.ts";
import { Problem } from "../core/problem.ts";
import { lastingRests } from "../core/routing/readiness.ts";
import { isSelected, type RestSelection } from "../core/routing/rest-cover.ts";
import type { Move } from "../core/settings/chains.ts";
import type { Settings } from "../core/settings/settings.ts";
import { VERSION } from "../core/version.ts";
import { lastAnswer } from "./control-last-answer.ts";
import { refusal } from "./control-refusal.ts";
import { pinKey } from "./control-session.ts";
import { shellKeys } from "./control-shell-keys.ts";
import { controlState } from "./control-state.ts";
import { eventFeed } from "./event-feed.ts";
import type { Router } from "./router.ts";

/** What a command lets the API do beyond the router itself. */
export interface ControlPowers {
  /** The last benchmarks, where any are kept. */
  benches?: () => readonly BenchResult[];
  /** Moves a model within a chain of the user's file, and tells the chain's entries; a Problem says why not. */
  moveInChain?: (chain: string, entry: string, move: Move) => Promise<readonly string[]>;
  /** Told when somebody begins to listen to the events. */
  onListener?: () => void;
  /** Whether secrets may be handed out, for the shell commands of opencode. */
  givesKeys?: boolean;
}

export interface ControlOptions extends ControlPowers {
  router: Router;
  /** As they are now. */
  settings: () => Settings;
}

/** Answers under `/_orouter`: what the plugin, `status --watch` and outside tools see and steer. */
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
    const body = bodyOf(await req.text());
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

/** Tells how many were at rest. What goes with them, the memory of rests that are over, is nothing that anybody saw. */
function reset(which: RestSelection, router: Router): Response {
  const lasting = lastingRests(router.health.values(), router.chance.nowMs());
  router.reset(which);
  return Response.json({ cleared: [...lasting.values()].filter((rest) => isSelected(rest, which)).length });
}

function selectionOf(body: Body): RestSelection {
  const { id, fingerprint, model } = body;
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof fingerprint === "string" ? { fingerprint } : {}),
    ...(typeof model === "string" ? { model } : {}),
  };
}

function changeKey(fingerprint: string, action: string, router: Router): Response {
  if (action !== "enable" && action !== "disable" && action !== "reset") return notFound();
  if (!router.terms.keys.some((key) => key.fingerprint === fingerprint))
    return refusal(404, "There is no such key.");
  if (action === "reset") return reset({ fingerprint }, router);
  const enabled = action === "enable";
  router.setEnabled(fingerprint, enabled);
  return Response.json({ fingerprint, enabled });
}

async function moveInChain(name: string, { entry, move }: Body, options: ControlOptions): Promise<Response> {
  if (options.moveInChain === undefined)
    return refusal(404, "The chains of this run cannot be changed from here.");
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

/** Undefined for what is no object. */
function bodyOf(text: string): Body | undefined {
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** A name as it stands in an address; one that is badly written there is nobody's. */
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
