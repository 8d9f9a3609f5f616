import { looseFields } from "./model-list.ts";

export interface Combo {
  name: string;
  /** Models, or names of other combos. */
  members: readonly string[];
}

/** Accepts a bare list, or one under `combos`. Undefined for anything else. */
export function readCombos(value: unknown): Combo[] | undefined {
  const list = Array.isArray(value) ? value : inside(value);
  return list?.flatMap((entry) => {
    const name = looseFields(entry).text("name", "id");
    const models: unknown = typeof entry === "object" && entry !== null ? entry.models : undefined;
    if (name === undefined || !Array.isArray(models)) return [];
    const members = models.flatMap((one) => {
      return looseFields(typeof one === "string" ? { model: one } : one).text("model", "combo", "name") ?? [];
    });
    return [{ name, members }];
  });
}

function inside(value: unknown): { models?: unknown }[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { combos } = value as Record<string, unknown>;
  return Array.isArray(combos) ? combos : undefined;
}

/** Resolves nested combos; each model once, also if combos form a cycle. */
export function comboMembers(name: string, combos: readonly Combo[]): string[] {
  const members = new Set<string>();
  const opened = new Set<string>();
  const open = (one: string): void => {
    const bare = one.replace(/^combo\//, "");
    const combo = combos.find((each) => each.name === bare);
    if (combo === undefined) members.add(one);
    else if (!opened.has(bare)) {
      opened.add(bare);
      for (const member of combo.members) open(member);
    }
  };
  open(name);
  members.delete(name);
  return [...members];
}
