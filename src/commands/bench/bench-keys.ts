import type { ModelBench, SkippedKey } from "../../core/bench/model-bench.ts";
import type { Key } from "../../core/key.ts";
import type { ModelRef } from "../../core/model-ref.ts";
import { lastingRests, modelReadiness } from "../../core/routing/readiness.ts";
import { readinessText } from "../../core/routing/readiness-text.ts";
import type { Rest } from "../../core/routing/rest.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";

/** Which keys a model may be asked with: those that rest are left alone, as the router leaves them alone. */
export class BenchKeys {
  readonly #keys: readonly Key[];
  readonly #rests: readonly Rest[];
  /** Keys that were refused as such in this benchmark, by provider and name. */
  readonly #refused = new Map<string, string>();
  #turn = 0;

  constructor(keys: readonly Key[], rests: readonly Rest[]) {
    this.#keys = keys;
    this.#rests = rests;
  }

  /** The usable keys, another one first each time; where there is none, why. */
  of(ref: ModelRef): { keys: Key[]; skippedKeys: SkippedKey[]; why: string } {
    const nowMs = Date.now();
    const lasting = lastingRests(this.#rests, nowMs);
    const all = this.#keys.filter((key) => key.enabled && key.provider === ref.provider);
    const keys: Key[] = [];
    const skippedKeys: SkippedKey[] = [];
    for (const key of all) {
      const { readiness } = modelReadiness(ref, [key], lasting);
      const why =
        this.#refused.get(`${ref.provider}/${key.name}`) ??
        (readiness.kind === "ready" ? undefined : readinessText(readiness, nowMs));
      if (why === undefined) keys.push(key);
      else skippedKeys.push({ keyName: key.name, why });
    }
    const first = keys.length === 0 ? 0 : this.#turn++ % keys.length;
    const why = skippedKeys.length === 1 ? (skippedKeys[0]?.why ?? "") : "no key is ready";
    return {
      keys: [...keys.slice(first), ...keys.slice(0, first)],
      skippedKeys,
      why: all.length === 0 ? `no key for ${ref.provider}` : why,
    };
  }

  /** A key that is refused for itself would be refused for every other model as well. */
  learn(provider: string, { refusals }: ModelBench): void {
    for (const { keyName, verdict } of refusals) {
      if (verdict.fault === "key") this.#refused.set(`${provider}/${keyName}`, verdictWords(verdict.kind));
    }
  }
}
