import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import { probeId, restIdsOf, restsOn } from "../core/routing/lane.ts";
import { type Failure, nextRest, type Rest, restWhileAnswering } from "../core/routing/rest.ts";
import { isSelected, type RestSelection } from "../core/routing/rest-cover.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";

/** Who is at rest, and whose rest is being probed, as far as this process knows. */
export class Health {
  readonly #rests = new Map<string, Rest>();
  readonly #probing = new Map<string, number>();
  readonly #emit: (event: RouterEvent) => void;

  constructor(emit: (event: RouterEvent) => void) {
    this.#emit = emit;
  }

  get rests(): ReadonlyMap<string, Rest> {
    return this.#rests;
  }

  /** Probes under way, by `probeId`, and since when. */
  get probing(): ReadonlyMap<string, number> {
    return this.#probing;
  }

  /** Takes it on to find out about the rests of a lane: others wait for the answer, for a while. */
  probe(key: Key, ref: ModelRef, nowMs: number): string[] {
    const ids = restsOn(key, ref, this.#rests).map((rest) => probeId(rest, key));
    for (const id of ids) this.#probing.set(id, nowMs);
    return ids;
  }

  endProbe(ids: readonly string[]): void {
    for (const id of ids) this.#probing.delete(id);
  }

  failed(failure: Failure, keyName: string): void {
    const previous = this.#rests.get(failure.target.id);
    const rest = nextRest(previous, failure);
    if (rest !== previous) this.#set(rest, keyName);
  }

  /** An answer has begun on a lane: its rests are over. A success does not undo what was learned after it was sent. */
  answering(key: Key, ref: ModelRef, startedMs: number): boolean {
    let isAnyoneFreed = false;
    if (this.#rests.size === 0) return false;
    for (const id of restIdsOf(key, ref)) {
      const rest = this.#rests.get(id);
      if (rest === undefined || rest.sinceMs > startedMs || rest.untilMs === 0) continue;
      isAnyoneFreed = true;
      const left = restWhileAnswering(rest);
      if (left === undefined) this.clear(id);
      else this.#set(left, key.name);
    }
    return isAnyoneFreed;
  }

  /** An answer on a lane is whole: not even its failures are counted on. */
  answered(key: Key, ref: ModelRef, startedMs: number): void {
    if (this.#rests.size === 0) return;
    for (const id of restIdsOf(key, ref)) {
      const rest = this.#rests.get(id);
      if (rest !== undefined && rest.sinceMs <= startedMs) this.clear(id);
    }
  }

  clear(id: string): void {
    if (this.#rests.delete(id)) this.#emit({ kind: "cleared", id });
  }

  /** Takes in what another process has learned; nothing is announced again. */
  learn(rests: Iterable<Rest>, cleared: Iterable<string>): void {
    for (const id of cleared) this.#rests.delete(id);
    for (const rest of rests) this.#rests.set(rest.id, rest);
  }

  /** Ends rests by hand: all of them, those of one key, or those of one key for one model. */
  reset(which: RestSelection): number {
    const ended = [...this.#rests.values()].filter((rest) => isSelected(rest, which));
    for (const { id } of ended) this.clear(id);
    return ended.length;
  }

  #set(rest: Rest, keyName: string): void {
    this.#rests.set(rest.id, rest);
    this.#emit({ kind: "rested", rest, keyName });
  }
}
