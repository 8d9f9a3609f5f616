import * as v from "valibot";
import { DIALECT_NAMES, dialectNamed } from "../dialect/registry.ts";
import { ANY_MODEL, CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import { SMALLEST_WINDOW } from "../overlay/told-limits.ts";
import { redact } from "../scrub.ts";
import { nearest, parseDuration } from "../text.ts";
import { CHAIN_NAME_ALLOWED, chainNamed, circleThrough, isChainName } from "./chains.ts";
import { findPreset, PRESETS } from "./presets.ts";
import { bare, childOf, metaAt, type SchemaNode } from "./schema.ts";
import { formatSettingPath, type SettingKind, type SettingPath } from "./setting-kinds.ts";

export interface SettingFault {
  path: SettingPath;
  /** A sentence without its final dot; never contains a secret. */
  what: string;
  allowed?: string;
}

/** Kinds whose wrong value a message may repeat. Other texts may be misplaced secrets. */
const SHOWN: ReadonlySet<SettingKind> = new Set([
  "choice",
  "duration",
  "count",
  "number",
  "flag",
  "percent",
  "budget",
]);

const SHOWN_CHARS = 40;

/** Whether messages may repeat wrong values; for keys.toml they must not. */
export type Showing = "values" | "no-values";

/** Returns all faults, not only the first. */
export function readSchema<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  showing: Showing,
): { output: v.InferOutput<Schema> | undefined; faults: SettingFault[] } {
  const loose = looseFaults(schema, value, []);
  const result = v.safeParse(schema, value);
  if (result.success) return { output: result.output, faults: loose };
  return {
    output: undefined,
    faults: [...loose, ...distinct(result.issues.map((issue) => toFault(schema, issue, showing)))],
  };
}

/** False for lists, dates and plain values. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function toFault(schema: SchemaNode, issue: v.BaseIssue<unknown>, showing: Showing): SettingFault {
  const path = (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
  const last = issue.path?.at(-1);
  const value: unknown = last === undefined ? issue.input : last.value;
  const meta = metaAt(schema, path);
  const where = formatSettingPath(path);
  const isMissing = value === undefined;
  const shown = show(value, showing === "values" ? meta?.kind : undefined);
  const what = isMissing ? `${where} is missing` : `${where || "the file"} cannot be ${shown}`;
  return meta === undefined ? { path, what } : { path, what, allowed: meta.allowed };
}

function show(value: unknown, kind: SettingKind | undefined): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (isTable(value)) return "a table";
  if (value instanceof Date) return "a date";
  if (typeof value !== "string") return kind === undefined ? `a ${typeof value}` : String(value);
  if (value === "") return "empty";
  if (kind === undefined || !SHOWN.has(kind) || value.length > SHOWN_CHARS) return "this text";
  return redact(value, []) === value ? JSON.stringify(value) : "this text";
}

/** One value can break several checks; one fault per path is enough. */
function distinct(faults: readonly SettingFault[]): SettingFault[] {
  return [...new Map(faults.map((fault) => [formatSettingPath(fault.path), fault])).values()];
}

/** Faults that valibot accepts: unknown keys, and lists or dates in place of a table. */
function looseFaults(node: SchemaNode, value: unknown, path: SettingPath): SettingFault[] {
  const { entries, item, type } = bare(node);
  if (Array.isArray(value) && item !== undefined) {
    return value.flatMap((inner, index) => below(node, index, inner, path));
  }
  if (type !== "object" && type !== "record") return [];
  if (!isTable(value)) {
    if (typeof value !== "object" || value === null) return [];
    return [
      { path, what: `${formatSettingPath(path)} cannot be ${show(value, undefined)}`, allowed: "a table" },
    ];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    if (entries === undefined || Object.hasOwn(entries, key)) return below(node, key, inner, path);
    return [unknownKey(Object.keys(entries), key, path)];
  });
}

function below(node: SchemaNode, step: string | number, value: unknown, path: SettingPath): SettingFault[] {
  const child = childOf(node, step);
  return child === undefined ? [] : looseFaults(child, value, [...path, step]);
}

function unknownKey(known: readonly string[], key: string, path: SettingPath): SettingFault {
  const guess = nearest(key, known);
  const what = `${formatSettingPath([...path, key])} is not a setting`;
  return {
    path: [...path, key],
    what: guess === undefined ? what : `${what}; did you mean ${guess}?`,
    allowed: known.join(", "),
  };
}

/** An id is a path segment of the proxy, whose own paths begin with `v1`. */
const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const RESERVED: readonly string[] = [CHAIN_PROVIDER, "v1"];

export function isProviderId(id: string): boolean {
  return PROVIDER_ID.test(id) && !RESERVED.includes(id);
}

/**
 * Checks between settings. They read the raw file, so that a fault elsewhere does not hide them, and skip values of the
 * wrong kind, which the schema reports.
 */
export function tableFaults(value: unknown): SettingFault[] {
  const file = tableIn(value);
  return [
    ...providerFaults(tableIn(file["providers"])),
    ...chainFaults(listsIn(file["chains"])),
    ...fallbackFaults(listsIn(file["fallbacks"]), Object.keys(tableIn(file["chains"]))),
    ...modelFaults(file["models"]),
    ...agentFaults(tableIn(file["agents"]), Object.keys(tableIn(file["chains"]))),
    ...cooldownFaults(tableIn(tableIn(file["routing"])["cooldown"])),
  ];
}

/** Settings that are valid, but probably not as intended. */
export function settingWarnings(value: unknown): SettingFault[] {
  const file = tableIn(value);
  const providers = tableIn(file["providers"]);
  const warnings: SettingFault[] = [];
  for (const [id, provider] of Object.entries(providers)) {
    const api = tableIn(provider)["api"];
    if (typeof api !== "string" || dialectNamed(api) !== undefined) continue;
    const path = ["providers", id, "api"];
    warnings.push({
      path,
      what: `${formatSettingPath(path)} is unknown, so chat is used`,
      allowed: DIALECT_NAMES.join(", "),
    });
  }
  const known = [...Object.keys(providers), ...PRESETS.map((preset) => preset.id)];
  for (const table of ["chains", "fallbacks"]) {
    for (const [name, entries] of Object.entries(listsIn(file[table]))) {
      warnings.push(
        ...entries.flatMap((entry, index) => strangeProvider(entry, [table, name, index], known)),
      );
    }
  }
  return [...warnings, ...smallWindows(file["models"])];
}

/** Routing uses the window as written; opencode gets a larger one, because its own prompt has to fit. */
function smallWindows(models: unknown): SettingFault[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model: unknown, index): SettingFault[] => {
    const { context } = tableIn(model);
    if (typeof context !== "number" || context >= SMALLEST_WINDOW) return [];
    const path = ["models", index, "context"];
    const what = `${formatSettingPath(path)}: ${context} tokens are too few for opencode's own prompt, so opencode gets ${SMALLEST_WINDOW}`;
    return [{ path, what }];
  });
}

function providerFaults(providers: Record<string, unknown>): SettingFault[] {
  return Object.entries(providers).flatMap(([id, provider]): SettingFault[] => {
    const path = ["providers", id];
    const where = formatSettingPath(path);
    if (RESERVED.includes(id)) return [{ path, what: `${where}: ${id} is a reserved name` }];
    if (!PROVIDER_ID.test(id)) {
      return [
        {
          path,
          what: `${where} is not a valid provider id`,
          allowed: "letters, digits, dots, dashes and underscores",
        },
      ];
    }
    if (!isTable(provider)) return [];
    const listed = textsOf(provider["models"]).flatMap(
      (model, index) => severalModels(model, [...path, "models", index]) ?? [],
    );
    if (Object.hasOwn(provider, "base_url") || findPreset(id) !== undefined) return listed;
    const presets = PRESETS.map((preset) => preset.id);
    const guess = nearest(id, presets);
    const hint = guess === undefined ? "" : `; did you mean ${guess}?`;
    const allowed = `a base_url, or the id of a preset: ${presets.join(", ")}`;
    return [...listed, { path, what: `${where} needs a base_url${hint}`, allowed }];
  });
}

function chainFaults(chains: Record<string, string[]>): SettingFault[] {
  const names = Object.keys(chains);
  const inCircles = new Set<string>();
  return names.flatMap((name): SettingFault[] => {
    const path = ["chains", name];
    const faults = (chains[name] ?? []).flatMap((entry, index) =>
      entryFaults(entry, [...path, index], names),
    );
    if (!isChainName(name)) {
      const what = `${formatSettingPath(path)} is not a valid chain name`;
      faults.push({ path, what, allowed: CHAIN_NAME_ALLOWED });
    }
    const circle = inCircles.has(name) ? undefined : circleThrough(name, chains);
    if (circle === undefined) return faults;
    // Report a cycle once, not once per chain in it.
    for (const member of circle) inCircles.add(member);
    const what = `${formatSettingPath(path)} contains itself: ${circle.join(" -> ")}`;
    return [...faults, { path, what }];
  });
}

function fallbackFaults(fallbacks: Record<string, string[]>, chains: readonly string[]): SettingFault[] {
  return Object.entries(fallbacks).flatMap(([model, entries]) => {
    const path = ["fallbacks", model];
    const faults = entries.flatMap((entry, index) => entryFaults(entry, [...path, index], chains));
    if (model.includes(",")) {
      const what = `${formatSettingPath(path)} contains a comma`;
      return [...faults, { path, what, allowed: "one model per line, each with its own list" }];
    }
    if (model !== ANY_MODEL && chainNamed(model) !== undefined) {
      const what = `${formatSettingPath(path)} is not a single model`;
      faults.push({ path, what, allowed: '"provider/model", or "*" for all other models' });
    }
    return faults;
  });
}

function entryFaults(entry: string, path: (string | number)[], chains: readonly string[]): SettingFault[] {
  const several = severalModels(entry, path);
  if (several !== undefined) return [several];
  const name = chainNamed(entry);
  if (entry === "" || name === undefined || chains.includes(name)) return [];
  const guess = nearest(name, chains);
  const what = `${formatSettingPath(path)}: ${JSON.stringify(entry)} is neither "provider/model" nor a chain`;
  const fault = { path, what: guess === undefined ? what : `${what}; did you mean ${guess}?` };
  return chains.length === 0 ? [fault] : [{ ...fault, allowed: `"provider/model", ${chains.join(", ")}` }];
}

/** No model id has a comma, so `"a/x,b/y"` is two models in one text. */
function severalModels(text: string, path: (string | number)[]): SettingFault | undefined {
  if (!text.includes(",")) return undefined;
  const what = `${formatSettingPath(path)}: ${JSON.stringify(text)} contains a comma`;
  const parts = text.split(",").map((part) => part.trim());
  return {
    path,
    what,
    allowed: `one model per entry, as in ${JSON.stringify(parts).replaceAll('","', '", "')}`,
  };
}

function strangeProvider(entry: string, path: (string | number)[], known: readonly string[]): SettingFault[] {
  const provider = parseModelRef(entry)?.provider;
  if (provider === undefined || provider === CHAIN_PROVIDER || known.includes(provider)) return [];
  const guess = nearest(provider, known);
  const what = `${formatSettingPath(path)} names the provider ${provider}, which is not set up`;
  return [{ path, what: guess === undefined ? what : `${what}; did you mean ${guess}?` }];
}

function modelFaults(models: unknown): SettingFault[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model: unknown, index): SettingFault[] => {
    if (!isTable(model)) return [];
    const path = ["models", index];
    const where = formatSettingPath(path);
    const { id, match, add_if_missing: adds } = model;
    if ((id === undefined) === (match === undefined))
      return [{ path, what: `${where} needs either an id or a match` }];
    if (typeof id === "string" && id.includes(",")) {
      const what = `${where}.id contains a comma`;
      return [{ path: [...path, "id"], what, allowed: "one model per [[models]] table" }];
    }
    if (typeof id === "string" && id !== "" && parseModelRef(id) === undefined) {
      return [{ path: [...path, "id"], what: `${where}.id is not a model`, allowed: '"provider/model"' }];
    }
    if (adds === true && id === undefined) {
      return [
        { path: [...path, "add_if_missing"], what: `${where}.add_if_missing needs an id, not a match` },
      ];
    }
    return [];
  });
}

/** The settings of an agent that name a model. */
const AGENT_MODELS = ["model", "opus", "sonnet", "haiku"];

function agentFaults(agents: Record<string, unknown>, chains: readonly string[]): SettingFault[] {
  return Object.entries(agents).flatMap(([name, agent]) =>
    AGENT_MODELS.flatMap((field) => {
      const value = tableIn(agent)[field];
      return typeof value === "string" ? entryFaults(value, ["agents", name, field], chains) : [];
    }),
  );
}

function cooldownFaults(cooldown: Record<string, unknown>): SettingFault[] {
  const { base = "30s", max = "1h" } = cooldown;
  if (typeof base !== "string" || typeof max !== "string") return [];
  const baseMs = parseDuration(base);
  const maxMs = parseDuration(max);
  if (baseMs === undefined || maxMs === undefined || baseMs <= maxMs) return [];
  const path = ["routing", "cooldown", Object.hasOwn(cooldown, "max") ? "max" : "base"];
  return [{ path, what: `routing.cooldown.max (${max}) is shorter than routing.cooldown.base (${base})` }];
}

function tableIn(value: unknown): Record<string, unknown> {
  return isTable(value) ? value : {};
}

function listsIn(value: unknown): Record<string, string[]> {
  const lists = Object.entries(tableIn(value)).filter(([, list]) => Array.isArray(list));
  return Object.fromEntries(lists.map(([name, list]) => [name, textsOf(list)]));
}

/** Keeps the index of each entry, so that faults point at the right one. */
function textsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map((item) => (typeof item === "string" ? item : "")) : [];
}
