export const BUDGET_UNITS = ["USD", "tokens", "requests"] as const;

/** A cap that a person sets for a key and a day. */
export interface DailyBudget {
  amount: number;
  unit: (typeof BUDGET_UNITS)[number];
}

const SHAPE =
  /^(?:\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(usd|tokens?|requests?))(?:\s*(?:\/|a|per)\s*day)?$/i;

/** Reads `2 USD`, `$2`, `500000 tokens` or `300 requests`; undefined for all else. */
export function parseBudget(text: string): DailyBudget | undefined {
  const [match, dollars, number, word = ""] = SHAPE.exec(text.trim().replaceAll(/(?<=\d)_(?=\d)/g, "")) ?? [];
  if (match === undefined) return undefined;
  if (dollars !== undefined) return { amount: Number(dollars), unit: "USD" };
  const unit = BUDGET_UNITS.find((one) => one.toLowerCase().startsWith(word.toLowerCase().replace(/s$/, "")));
  return unit === undefined ? undefined : { amount: Number(number), unit };
}

/** What a key has used since midnight. */
export interface DaySpend {
  requests: number;
  tokens: number;
  /** What it came to by the models' list prices. */
  usd: number;
}

export const NO_SPEND: DaySpend = { requests: 0, tokens: 0, usd: 0 };

export function spentOf({ unit }: DailyBudget, spend: DaySpend): number {
  if (unit === "USD") return spend.usd;
  return unit === "tokens" ? spend.tokens : spend.requests;
}

export function budgetText({ amount, unit }: DailyBudget): string {
  return unit === "USD" ? `$${amount}` : `${amount} ${unit}`;
}
