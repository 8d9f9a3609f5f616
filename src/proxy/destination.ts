import type { ClientProfile } from "../core/client/client-profile.ts";
import type { Dialect } from "../core/dialect/registry.ts";
import { ANY_MODEL, CHAIN_PROVIDER, formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { type Destination, endpointAt, keptIdIn, oneModel } from "../core/routing/endpoints.ts";
import { askedRef, targetsOf } from "../core/routing/targets.ts";
import { type Kept, keptIdsIn, type TieBook, tieOf } from "../core/routing/ties.ts";
import type { Settings } from "../core/settings/settings.ts";
import { indexOfBytes } from "../core/stream/bytes.ts";
import { findField, type Span, spliceBytes, spliceValue } from "../core/stream/rewrite.ts";
import type { RoutingSnapshot } from "./snapshot.ts";

/** Why a request cannot be routed: the status and the words for the client. */
export interface Unroutable {
  status: number;
  message: string;
  /** The whole error, where the request's own dialect has one for it. */
  body?: object;
}

/** Where the model's name stands in a body, and what it is. */
export interface NamedModel {
  span: Span;
  value: string;
  /** Whether the body is a form: the name stands there as it is, and not as JSON. */
  isInForm?: boolean;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The model that a body names, as JSON or as a field of a form. */
export function findModel(body: Uint8Array, contentType: string | null): NamedModel | undefined {
  const boundary = /^multipart\/form-data\b.*?\bboundary="?([^";]+)"?/i.exec(contentType ?? "")?.[1];
  if (boundary !== undefined) return modelInForm(body, boundary);
  const span = findField(body, "model");
  if (span === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(decoder.decode(body.subarray(span.start, span.end)));
    return typeof value === "string" && value !== "" ? { span, value } : undefined;
  } catch {
    return undefined;
  }
}

const MODEL_FIELD = /^content-disposition:[^\r\n]*;\s*name="?model"?\s*(?:;|$)/im;
const BLANK_LINE = encoder.encode("\r\n\r\n");

/** Files in a form may be large: only the heads of its parts are read. */
function modelInForm(body: Uint8Array, boundary: string): NamedModel | undefined {
  const mark = encoder.encode(`--${boundary}`);
  for (let at = indexOfBytes(body, mark); at >= 0; ) {
    const headEnd = indexOfBytes(body, BLANK_LINE, at);
    const next = indexOfBytes(body, mark, at + mark.length);
    if (headEnd < 0 || next < headEnd) return undefined;
    if (MODEL_FIELD.test(decoder.decode(body.subarray(at + mark.length, headEnd)))) {
      // A line break stands before the next mark.
      const span = { start: headEnd + BLANK_LINE.length, end: next - 2 };
      const value = decoder.decode(body.subarray(span.start, span.end));
      return value === "" ? undefined : { span, value, isInForm: true };
    }
    at = next;
  }
  return undefined;
}

/** The body for one target: the same bytes where the model stays, else with only its name replaced. */
export function bodyFor(
  { body, model }: { body: Uint8Array<ArrayBuffer> | undefined; model: NamedModel | undefined },
  wireModel: string,
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || model === undefined || model.value === wireModel) return body;
  return model.isInForm === true
    ? spliceBytes(body, model.span, encoder.encode(wireModel))
    : spliceValue(body, model.span, wireModel);
}

const UNKNOWN_PATH: Unroutable = {
  status: 404,
  message:
    "This address serves models only, by the paths of OpenAI and Anthropic; a provider's is /<provider>/v1/…",
};

/** What decides where a request goes, besides what it says itself. */
export interface DestinationOptions {
  /** The provider in the path. */
  provider: string | undefined;
  /** The path behind `/v1/`. */
  rest: string;
  /** What routing goes by while this request lasts. */
  snapshot: RoutingSnapshot;
  settings: Settings;
  profile: ClientProfile;
  ties: TieBook;
}

/** The model or provider that a request is for. */
export function destinationOf(
  method: string,
  model: string | undefined,
  options: DestinationOptions,
): Destination | Unroutable {
  const { provider, rest, ties } = options;
  if (provider !== undefined && provider !== CHAIN_PROVIDER)
    return { ref: { provider, model: model ?? ANY_MODEL }, path: rest };
  const endpoint = endpointAt(method, rest);
  if (endpoint === undefined) return UNKNOWN_PATH;
  if (endpoint.kind === "one-model") return oneModel(endpoint.id) ?? UNKNOWN_PATH;
  const named = model === undefined ? undefined : askedRef(provider, meantBy(model, options));
  if (endpoint.kind === "model" && named !== undefined) return { ref: named, path: rest };
  const tie = endpoint.kind === "kept" && endpoint.id !== undefined ? ties.get(endpoint.id) : undefined;
  const only = tie?.provider ?? onlyProvider(options.snapshot);
  if (only !== undefined) return { ref: { provider: only, model: ANY_MODEL }, path: rest };
  const what =
    endpoint.kind === "model" ? "The request names no model" : "Keys of more than one provider are in use";
  return { status: 404, message: `${what}: name the provider in the path, as /<provider>/v1/${rest}.` };
}

/** Some clients have names of their own for models. */
function meantBy(name: string, { profile, settings, snapshot }: DestinationOptions): string {
  const hasKey = (provider: string): boolean => snapshot.keysOf(provider).length > 0;
  return profile.modelNamed?.(name, { settings, hasKey }) ?? name;
}

/** The provider that can only be meant where no other has a key. */
function onlyProvider({ keys, providers }: RoutingSnapshot): string | undefined {
  const ids = new Set(
    keys.flatMap((key) => (key.enabled && providers.has(key.provider) ? key.provider : [])),
  );
  const [only] = ids;
  return ids.size === 1 ? only : undefined;
}

/** The models that may answer, and with which keys. */
export interface Lanes {
  targets: readonly ModelRef[];
  snapshot: RoutingSnapshot;
  kept: Kept | undefined;
}

/** What a request names that an account keeps goes to that account alone: any other would only deny it. */
export function lanesFor(
  { ref }: Destination,
  { body, dialect }: { body: Uint8Array | undefined; dialect: Dialect | undefined },
  { rest, settings, snapshot, ties }: DestinationOptions,
): Lanes | Unroutable {
  const targets = dialect === undefined ? withoutFallbacks(ref, settings) : targetsOf(ref, settings);
  const own = keptIdIn(rest);
  const ids = own !== undefined ? [own] : dialect === undefined || body === undefined ? [] : keptIdsIn(body);
  if (ids.length === 0) return { targets, snapshot, kept: undefined };
  const tie = tieOf(ids, ties);
  if (tie === undefined) return { targets, snapshot, kept: { ids, tie } };
  const named = ids.join(", ");
  if (tie === "apart")
    return { status: 400, message: `${named} are kept by different keys, and no key can use them together.` };
  const { provider, fingerprint } = tie;
  const key = snapshot.keysOf(provider).find((one) => one.fingerprint === fingerprint);
  const left = targets.filter((target) => target.provider === provider);
  if (left.length === 0)
    return { status: 400, message: `${named} is kept by ${provider}; ${formatModelRef(ref)} cannot use it.` };
  if (key?.enabled !== true) {
    const who = key === undefined ? "a key that was removed" : `the key ${key.name}, which is disabled`;
    return { status: 400, message: `${named} is kept by ${who}; no other key of ${provider} can use it.` };
  }
  const keysOf = (id: string): readonly (typeof key)[] => (id === provider ? [key] : []);
  return { targets: left, snapshot: { ...snapshot, keysOf }, kept: { ids, tie } };
}

/** Outside of chats another model is no help: its embeddings, say, mean something else. */
function withoutFallbacks(ref: ModelRef, settings: Settings): readonly ModelRef[] {
  return targetsOf(ref, { chains: settings.chains, fallbacks: {} });
}
