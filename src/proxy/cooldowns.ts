import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import {
  type Cooldown,
  type CooldownSelection,
  cooldownWhileAnswering,
  type Failure,
  isSelected,
  nextCooldown,
} from "../core/routing/cooldown.ts";
import type { RouterEvent } from "../core/routing/events.ts";
import { cooldownIdsOf, cooldownsOn, probeId } from "../core/routing/lane.ts";

/** The cooldowns that this process knows, and which of them are being probed. */
export class Cooldowns {
  readonly #byId = new Map<string, Cooldown>();
  readonly #probing = new Map<string, number>();
  readonly #emit: (event: RouterEvent) => void;

  constructor(emit: (event: RouterEvent) => void) {
    this.#emit = emit;
  }

  get all(): ReadonlyMap<string, Cooldown> {
    return this.#byId;
  }

  /** Probes in progress, by `probeId`, with their start. */
  get probing(): ReadonlyMap<string, number> {
    return this.#probing;
  }

  /** Starts probes for a lane's cooldowns: others wait for their result for a while. */
  probe(key: Key, ref: ModelRef, nowMs: number): string[] {
    const ids = cooldownsOn(key, ref, this.#byId).map((cooldown) => probeId(cooldown, key));
    for (const id of ids) this.#probing.set(id, nowMs);
    return ids;
  }

  endProbe(ids: readonly string[]): void {
    for (const id of ids) this.#probing.delete(id);
  }

  failed(failure: Failure, keyName: string): void {
    const previous = this.#byId.get(failure.target.id);
    const cooldown = nextCooldown(previous, failure);
    if (cooldown !== previous) this.set(cooldown, keyName);
  }

  /** An answer has begun, so the lane's cooldowns are over, except those set after the call was sent. */
  answering(key: Key, ref: ModelRef, startedMs: number): boolean {
    let isAnyoneFreed = false;
    if (this.#byId.size === 0) return false;
    for (const id of cooldownIdsOf(key, ref)) {
      const cooldown = this.#byId.get(id);
      if (cooldown === undefined || cooldown.sinceMs > startedMs || cooldown.untilMs === 0) continue;
      isAnyoneFreed = true;
      const left = cooldownWhileAnswering(cooldown);
      if (left === undefined) this.clear(id);
      else this.set(left, key.name);
    }
    return isAnyoneFreed;
  }

  /** An answer is complete, so counted failures are forgotten, too. */
  answered(key: Key, ref: ModelRef, startedMs: number): void {
    if (this.#byId.size === 0) return;
    for (const id of cooldownIdsOf(key, ref)) {
      const cooldown = this.#byId.get(id);
      if (cooldown !== undefined && cooldown.sinceMs <= startedMs) this.clear(id);
    }
  }

  clear(id: string): void {
    if (this.#byId.delete(id)) this.#emit({ kind: "cleared", id });
  }

  /** Changes from other processes are not announced again. */
  learn(cooldowns: Iterable<Cooldown>, cleared: Iterable<string>): void {
    for (const id of cleared) this.#byId.delete(id);
    for (const cooldown of cooldowns) this.#byId.set(cooldown.id, cooldown);
  }

  /** Ends all cooldowns, those of one key, or those of one key for one model. */
  reset(which: CooldownSelection): number {
    const ended = [...this.#byId.values()].filter((cooldown) => isSelected(cooldown, which));
    for (const { id } of ended) this.clear(id);
    return ended.length;
  }

  set(cooldown: Cooldown, keyName: string): void {
    this.#byId.set(cooldown.id, cooldown);
    this.#emit({ kind: "cooldown-started", cooldown, keyName });
  }
}
