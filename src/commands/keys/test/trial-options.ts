import type { Settings } from "../../../core/settings/settings.ts";
import { keepLoopbackDirect } from "../../keep-loopback-direct.ts";
import { openListFinder } from "./open-list.ts";
import type { TrialOptions } from "./test-key.ts";

/** Long enough for a slow service, short enough to wait for; all keys are tried at once. */
const TRIAL_MS = 10_000;

/** What keys are tried with, from now on. */
export function trialOptions({ rules }: Pick<Settings, "rules">): TrialOptions {
  keepLoopbackDirect(process.env);
  const signal = AbortSignal.timeout(TRIAL_MS);
  return { rules, nowMs: Date.now(), signal, isListOpen: openListFinder(signal) };
}
