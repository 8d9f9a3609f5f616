import { CHAIN_PROVIDER, formatModelRef, type ModelRef, parseModelRef } from "../model-ref.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Settings } from "../settings/settings.ts";

type Routes = Pick<Settings, "chains" | "fallbacks">;

/** Settings are replaced, never changed, so results can be cached per object. */
const known = new WeakMap<Routes, Map<string, readonly ModelRef[]>>();

/** Clients may invent model names, so the cache is limited. */
const MAX_KNOWN = 500;

/** The requested model first; empty if there is no such chain. */
export function targetsOf(ref: ModelRef, settings: Routes): readonly ModelRef[] {
  const asked = formatModelRef(ref);
  const before = known.get(settings);
  const targets = before?.get(asked) ?? workOut(asked, settings);
  if (before !== undefined && before.size < MAX_KNOWN) before.set(asked, targets);
  else known.set(settings, new Map([[asked, targets]]));
  return targets;
}

function workOut(asked: string, settings: Routes): ModelRef[] {
  const chain = chainNamed(asked);
  if (chain !== undefined && !Object.hasOwn(settings.chains, chain)) return [];
  const behind = settings.fallbacks[asked] ?? settings.fallbacks["*"] ?? [];
  return toRefs(expandModels([asked, ...behind], settings.chains));
}

/** Every model that chains and fallbacks name. */
export function namedModels(settings: Pick<Settings, "chains" | "fallbacks">): ModelRef[] {
  const entries = [...Object.values(settings.chains), ...Object.values(settings.fallbacks)].flat();
  const single = Object.keys(settings.fallbacks).filter((model) => model !== "*");
  return toRefs(expandModels([...entries, ...single], settings.chains));
}

/** Under `/v1` and `/orouter/v1` the name may contain the provider. */
export function askedRef(provider: string | undefined, model: string): ModelRef | undefined {
  if (provider !== undefined && provider !== CHAIN_PROVIDER) return { provider, model };
  const ref = parseModelRef(model);
  // A bare name can only be a chain's.
  return ref ?? { provider: CHAIN_PROVIDER, model };
}

function toRefs(models: readonly string[]): ModelRef[] {
  return models.flatMap((model) => parseModelRef(model) ?? []);
}

export type Route =
  | { kind: "control"; path: string }
  /** `/<provider>/v1/<rest>`: `provider` is undefined under `/v1/`, where the model names it. */
  | { kind: "api"; provider: string | undefined; rest: string }
  | { kind: "unknown" };

const CONTROL = "/_orouter/";
const API = /^\/(?:([^/]+)\/)?v1(?:\/(.*))?$/;

/** Rejects paths that would leave the provider's base path. */
export function parseRoute(pathname: string): Route {
  if (pathname.startsWith(CONTROL)) return { kind: "control", path: pathname.slice(CONTROL.length - 1) };
  const match = API.exec(pathname);
  if (match === null) return { kind: "unknown" };
  const rest = match[2] ?? "";
  if (/(?:^|\/|%2f|\\)(?:\.|%2e){1,2}(?:$|\/|%2f|\\)/i.test(rest)) return { kind: "unknown" };
  return { kind: "api", provider: match[1] === undefined ? undefined : safeDecode(match[1]), rest };
}

function safeDecode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
