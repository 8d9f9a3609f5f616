import type { OpenStream } from "./attempt-outcome.ts";
import type { Chance } from "./chance.ts";

/** The end of a body comes right behind its end mark, or not at all. */
const LIMITS = { ms: 500, chunks: 8 };

/** Reads what is left behind the end mark: only a connection whose body was read to its end can be used again. */
export function finishReading({ reader, abort }: OpenStream, chance: Required<Chance>): void {
  const callOff = chance.after(LIMITS.ms, abort);
  void readOut(reader)
    .catch(() => {})
    .finally(callOff);
}

async function readOut(reader: OpenStream["reader"]): Promise<void> {
  for (let chunks = 0; chunks < LIMITS.chunks; chunks++) {
    if ((await reader.read()).done) return;
  }
  await reader.cancel();
}
