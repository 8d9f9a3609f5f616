import type { HubTurn } from "../hub-request.ts";

/** A call of the last turn of the model, with its result as soon as one is read. */
export interface OpenCall {
  rawId: string;
  id: string;
  result: { [key: string]: unknown } | undefined;
}

const ALLOWED = /^[a-zA-Z0-9_-]+$/;

/**
 * Ids that this dialect accepts, unique in the request. Some services repeat ids turn after turn. The ids depend on the
 * history alone, so that they are the same in the next request, and cached prefixes stay valid.
 */
export class CallIds {
  readonly #ids: string[] = [];
  #at = 0;

  constructor(turns: readonly HubTurn[]) {
    const raw = turns.flatMap((turn) =>
      turn.role === "assistant" ? turn.parts.flatMap((part) => (part.kind === "call" ? [part.id] : [])) : [],
    );
    const taken = new Set(raw.filter((id) => ALLOWED.test(id)));
    const kept = new Set<string>();
    for (const id of raw) {
      const isKept = taken.has(id) && !kept.has(id);
      const allocated = isKept ? id : freeId(id, taken);
      kept.add(allocated);
      taken.add(allocated);
      this.#ids.push(allocated);
    }
  }

  /** The id of the next call, in the order of the history. */
  next(): string {
    return this.#ids[this.#at++] ?? `call_${this.#at}`;
  }
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  const plain = `${id.replace(/[^a-zA-Z0-9_-]+/g, "_").slice(0, 40)}_${shortHash(id)}`;
  let free = plain;
  for (let count = 2; taken.has(free); count++) free = `${plain}_${count}`;
  return free;
}

function shortHash(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 8);
}
