import { counted } from "../../core/text.ts";
import { freshRecords, keyQuotas, unknownText } from "../quota/collect-quotas.ts";
import { openOwnState } from "../state.ts";
import { type DoctorContext, type Finding, note, ok } from "./doctor-context.ts";

const QUOTA = "quota";

/** Whether the quota of each key can be read, and why not. A key works all the same. */
export async function checkQuotas({ settings, keys = [], paths }: DoctorContext): Promise<Finding[]> {
  if (!settings.quota.enabled) return [note(QUOTA, "Quotas are not read: [quota] enabled is false.")];
  // Trouble with the file is a finding of its own.
  const state = await openOwnState({ settings, keys, paths }, () => {});
  const nowMs = Date.now();
  const records = await freshRecords({ settings, keys, state, maxAgeMs: settings.quota.pollMs, nowMs });
  await state.close();
  const quotas = keyQuotas({ settings, keys, records, calls: [], spends: new Map(), nowMs });
  const known = quotas.filter((one) => one.state === "known").length;
  const unknown = quotas.flatMap((one) => unknownText(one) ?? []);
  const overall = known === 0 && unknown.length === 0 ? [] : [ok(QUOTA, `known of ${counted(known, "key")}`)];
  return [
    ...overall,
    ...unknown.map((what) => note(QUOTA, what, "The key is used all the same. See: orouter quota")),
  ];
}
