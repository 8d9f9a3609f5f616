import { nearest } from "../nearest.ts";
import { bare, childOf, type SchemaNode } from "./schema-walk.ts";
import type { SettingPath } from "./setting-path.ts";
import { settingRows } from "./settings-docs.ts";
import { CONFIG } from "./settings-schema.ts";

/** A place in config.toml that settings can stand at. */
export interface FoundSetting {
  path: SettingPath;
  node: SchemaNode;
}

/** One step of a path: a name behind its dot, bare or in quotes, or a place in a list. */
const STEP = /\.(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^.[\]"']+))|\[(\d+)\]/y;

/**
 * Finds a setting by its path as people type it: `routing.strategy`, `models[0].context`. The dots in the name of a
 * model need no quotes: `fallbacks.ollama-cloud/kimi-k2.6`. Where there is none, the path that may have been meant.
 */
export function findSetting(text: string): FoundSetting | { near: string | undefined } {
  const steps = stepsOf(text);
  return (steps === undefined ? undefined : follow(steps)) ?? { near: nearPath(text) };
}

function follow(steps: SettingPath): FoundSetting | undefined {
  let node: SchemaNode = CONFIG;
  const path: (string | number)[] = [];
  for (let at = 0; at < steps.length; ) {
    const isName = hasPlainNames(node);
    const end = isName ? steps.findIndex((step, index) => index >= at && typeof step === "number") : at + 1;
    const taken = steps.slice(at, end < 0 ? undefined : end);
    const step = isName ? taken.join(".") : taken[0];
    if (step === undefined || step === "" || (typeof step === "number") !== (bare(node).item !== undefined))
      return undefined;
    const child: SchemaNode | undefined = childOf(node, step);
    if (child === undefined) return undefined;
    node = child;
    path.push(step);
    at += taken.length;
  }
  return { path, node };
}

/** Whether the keys of a table are the user's words, with nothing but a value behind each. */
function hasPlainNames(node: SchemaNode): boolean {
  const { value } = bare(node);
  return value !== undefined && bare(value).entries === undefined;
}

function stepsOf(text: string): SettingPath | undefined {
  const steps: (string | number)[] = [];
  const dotted = `.${text}`;
  for (STEP.lastIndex = 0; STEP.lastIndex < dotted.length; ) {
    const found = STEP.exec(dotted);
    if (found === null) return undefined;
    const [, double, single, plain, index] = found;
    const name = double === undefined ? (single ?? plain) : unescaped(double);
    if (name === undefined && index === undefined) return undefined;
    steps.push(name ?? Number(index));
  }
  return steps;
}

function unescaped(text: string): string | undefined {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return undefined;
  }
}

/** `strategy` is near `routing.strategy`, `routng.strategy` too. */
function nearPath(text: string): string | undefined {
  const [, word = ""] = text.split(".");
  const owner = /^[\w-]+$/.test(word) ? word : "NAME";
  const paths = settingRows().map((row) => row.path.replace(/<\w+>/, owner).replace("[]", "[0]"));
  const close = nearest(text, paths);
  if (close !== undefined) return close;
  const last = text.split(".").at(-1) ?? text;
  const nearLast = nearest(last, new Set(paths.map(lastOf)));
  return paths.find((path) => lastOf(path) === nearLast);
}

function lastOf(path: string): string {
  return path.split(".").at(-1) ?? path;
}
