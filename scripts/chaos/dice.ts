/** A number from 0 up to 1 that depends on the words alone, so that one seed always decides the same. */
export function roll(seed: number, ...words: (string | number)[]): number {
  return Number(Bun.hash(`${seed}|${words.join("|")}`) >> 11n) / 2 ** 53;
}

/** One item of a list, chosen by the same rule. */
export function pick<T>(items: readonly T[], seed: number, ...words: (string | number)[]): T {
  const item = items[Math.floor(roll(seed, ...words) * items.length)];
  if (item === undefined) throw new Error("There is nothing to choose from.");
  return item;
}

/** A whole number from `low` to `high`, both included. */
export function between(low: number, high: number, seed: number, ...words: (string | number)[]): number {
  return low + Math.floor(roll(seed, ...words) * (high - low + 1));
}
