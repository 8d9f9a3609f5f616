import type { ClientProfile } from "../core/client/client-profile.ts";
import { ANY_MODEL, CHAIN_PROVIDER, formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { dialectOf } from "../core/routing/route.ts";
import { askedRef, targetsOf } from "../core/routing/targets.ts";
import type { Settings } from "../core/settings/settings.ts";
import { cleanHistory } from "../core/stream/clean-history.ts";
import { findField } from "../core/stream/rewrite.ts";
import type { ModelRequest } from "./model-request.ts";
import { overLimit } from "./over-limit.ts";
import { readWithin } from "./read-within.ts";
import type { Router } from "./router.ts";

export interface ReadOptions {
  provider: string | undefined;
  rest: string;
  search: string;
  /** Without the run's token. */
  headers: Headers;
  router: Router;
  settings: Settings;
  profile: ClientProfile;
}

/** Why a request cannot be routed: the status and the words for the client, or that there is no client any more. */
export type Unroutable = { status: number; message: string } | { isGone: true };

const decoder = new TextDecoder();

/** Reads a request as far as routing needs it: its model, its session, and the models that may answer it. */
export async function readRequest(req: Request, options: ReadOptions): Promise<ModelRequest | Unroutable> {
  const { router, settings, provider, rest, profile } = options;
  const dialect = req.method === "POST" ? dialectOf(rest) : undefined;
  const raw = hasBody(req.method) ? await readWithin(req, settings.limits.bodyBytes) : undefined;
  if (raw === "gone") return { isGone: true };
  if (raw === "too-long") return tooLong(settings.limits.bodyBytes);
  const body =
    raw === undefined || dialect === undefined
      ? raw
      : cleanHistory(raw, dialect, profile.isAgent ? "left-over" : "empty");
  const model = body === undefined ? undefined : findModel(body);
  if (dialect !== undefined && model === undefined) {
    return {
      status: 400,
      message: "The request names no model: its body must be a JSON object with a `model`.",
    };
  }
  const ref = model === undefined ? endpointRef(provider) : askedRef(provider, model.value);
  if (ref === undefined)
    return { status: 404, message: "This address serves models only; a provider's is /<provider>/v1/…" };
  const targets = dialect === undefined ? withoutFallbacks(ref, settings) : targetsOf(ref, settings);
  const unroutable = whyNot(ref, targets, options);
  if (unroutable !== undefined) return unroutable;
  const sessionId = profile.sessionId(options.headers);
  return {
    // In the order of time: by ids of pure chance every row of the ledger would land on a page of its own.
    id: Bun.randomUUIDv7(),
    method: req.method,
    endpoint: rest + options.search,
    headers: options.headers,
    body,
    dialect,
    model,
    pathProvider: provider,
    asked: formatModelRef(ref),
    targets,
    profile,
    sessionId,
    session: router.sessions.of(sessionId),
    terms: router.terms,
    signal: req.signal,
    startedMs: router.chance.nowMs(),
  };
}

function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

function findModel(body: Uint8Array): ModelRequest["model"] {
  const span = findField(body, "model");
  if (span === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(decoder.decode(body.subarray(span.start, span.end)));
    return typeof value === "string" && value !== "" ? { span, value } : undefined;
  } catch {
    return undefined;
  }
}

/** An endpoint without a model (a list of files, say) still has to be somebody's. */
function endpointRef(provider: string | undefined): ModelRef | undefined {
  return provider === undefined || provider === CHAIN_PROVIDER ? undefined : { provider, model: ANY_MODEL };
}

/** Outside of chats another model is no help: its embeddings, say, mean something else. */
function withoutFallbacks(ref: ModelRef, settings: Settings): readonly ModelRef[] {
  return targetsOf(ref, { chains: settings.chains, fallbacks: {} });
}

function tooLong(maxBytes: number): Unroutable {
  return { status: 400, message: `[orouter] ${overLimit("request", maxBytes, "body_bytes")}` };
}

function whyNot(ref: ModelRef, targets: readonly ModelRef[], options: ReadOptions): Unroutable | undefined {
  const { settings } = options;
  const { terms } = options.router;
  if (targets.length === 0) {
    const chains = Object.keys(settings.chains);
    const known = chains.length === 0 ? "there is none yet" : `known: ${chains.join(", ")}`;
    return { status: 400, message: `orouter has no chain named ${ref.model} (${known}).` };
  }
  if (targets.some((target) => terms.keysOf(target.provider).length > 0)) return undefined;
  const { provider } = targets[0] ?? ref;
  if (!terms.providers.has(provider)) {
    return {
      status: 400,
      message: `orouter knows no provider ${provider}. Add [providers.${provider}] with a base_url to config.toml.`,
    };
  }
  return {
    status: 400,
    message: `orouter has no key for ${provider}. Add one with: orouter keys add ${provider}`,
  };
}
