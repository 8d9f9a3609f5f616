import type { VerdictKind } from "../../core/verdict/verdict.ts";
import { openExistingState } from "../open-existing-state.ts";
import type { World } from "../world.ts";

/** A key that was told it may not have a model, or (without a key) that nobody may. */
export interface Refusal {
  keyName: string | undefined;
  why: VerdictKind;
}

/** Refusals by `provider/model`, as requests have met them and as long as they are remembered. */
export type Refusals = ReadonlyMap<string, readonly Refusal[]>;

/** What a plan lacks, or what an account or the provider does not have. */
const NO_ACCESS: ReadonlySet<VerdictKind> = new Set(["subscription", "model-not-found"]);

/** Being listed proves little: what keys were really told is remembered with the rests. */
export async function readRefusals(world: World, nowMs: number): Promise<Refusals> {
  // A file that cannot be read is `doctor`'s to tell of; the list is as good without it.
  const store = await openExistingState(world, () => {});
  const names = new Map(world.keys.map((key) => [key.fingerprint, key.name]));
  const refusals = new Map<string, Refusal[]>();
  for (const { id, kind, scope, untilMs } of store?.rests() ?? []) {
    if (!NO_ACCESS.has(kind) || untilMs <= nowMs) continue;
    const [, first = "", second] = id.split(" ");
    const model = scope === "lane" ? second : first;
    const keyName = scope === "lane" ? names.get(first) : undefined;
    // The rest of a key that is here no more says nothing about those that are.
    if (model === undefined || (scope === "lane" && keyName === undefined)) continue;
    refusals.set(model, [...(refusals.get(model) ?? []), { keyName, why: kind }]);
  }
  store?.close();
  return refusals;
}

/** `no plan: work, home`, `gone`: for the last column of the list. */
export function refusalText(refusals: readonly Refusal[]): string {
  const namesOf = (why: VerdictKind): string =>
    refusals.flatMap((one) => (one.why === why ? (one.keyName ?? []) : [])).join(", ");
  const parts = [
    ["no plan", namesOf("subscription")],
    ["not for", namesOf("model-not-found")],
  ].filter(([, names]) => names !== "");
  const isGone = refusals.some((one) => one.keyName === undefined);
  return [...(isGone ? ["refused"] : []), ...parts.map(([what, names]) => `${what}: ${names}`)].join("; ");
}
