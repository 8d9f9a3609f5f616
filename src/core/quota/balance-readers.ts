import type { Quota, Reading } from "./quota.ts";
import { fieldsOf, foreign, known, numberOf, quotaOf, rowsOf } from "./read-values.ts";

type Unit = Quota["unit"];

function balance(unit: Unit, remaining: number | undefined, more: Partial<Quota> = {}): Quota | undefined {
  return quotaOf({ window: "credit", unit, remaining, ...more });
}

const CURRENCIES: Record<string, Unit> = { USD: "USD", CNY: "CNY" };

/** A row for each currency; they are alternatives. `is_available` decides, whatever the rows say. */
export function readDeepSeek(json: unknown): Reading {
  const { is_available, balance_infos } = fieldsOf(json);
  const rows = rowsOf(balance_infos).map(fieldsOf);
  const quotas = rows.map(({ currency, total_balance }) => {
    const total = numberOf(total_balance);
    const left = is_available === false && total !== undefined ? Math.min(0, total) : total;
    const unit = CURRENCIES[String(currency)];
    return unit === undefined ? undefined : balance(unit, left, { group: "deepseek" });
  });
  return known(quotas, "balance");
}

/** The currency follows from the host. */
export function readMoonshot(json: unknown, host: string): Reading {
  const { code, data } = fieldsOf(json);
  if (code !== undefined && code !== 0)
    return { kind: "unknown", why: `the provider answers with code ${String(code)}` };
  const unit = host.endsWith(".cn") ? "CNY" : "USD";
  return known([balance(unit, numberOf(fieldsOf(data)["available_balance"]))], "balance");
}

/** Texts that count ten-thousandths of a dollar. */
export function readNovita(json: unknown): Reading {
  const { availableBalance } = fieldsOf(json);
  const amount = typeof availableBalance === "string" ? numberOf(availableBalance) : undefined;
  return known([balance("USD", amount === undefined ? undefined : amount / 10_000)], "balance");
}

export function readVercel(json: unknown): Reading {
  return known([balance("USD", numberOf(fieldsOf(json)["balance"]), { pool: "team" })], "balance");
}

export function readPoe(json: unknown): Reading {
  return known([balance("credits", numberOf(fieldsOf(json)["current_point_balance"]))], "balance of points");
}

/** Two balances, of which either pays; `canConsume` decides. */
export function readVenice(json: unknown): Reading {
  const { canConsume, balances } = fieldsOf(json);
  const { diem, usd } = fieldsOf(balances);
  const left = (value: unknown): number | undefined => {
    const number = numberOf(value);
    return number !== undefined && canConsume === false ? Math.min(0, number) : number;
  };
  const group = "venice";
  return known([balance("credits", left(diem), { group }), balance("USD", left(usd), { group })], "balance");
}

/** A negative balance is money paid in advance. */
export function readDeepInfra(json: unknown): Reading {
  const { stripe_balance, recent, suspended } = fieldsOf(json);
  const owed = numberOf(stripe_balance);
  if (owed === undefined) return foreign("balance");
  const left = -(owed + Math.max(0, numberOf(recent) ?? 0));
  // Who pays afterwards has nothing in advance: only a suspension says that nothing is left.
  const isPrepaid = owed < 0;
  const remaining = suspended === true ? Math.min(0, left) : left;
  return known([balance("USD", remaining, { blocking: isPrepaid || suspended === true })], "balance");
}

export function readSiliconFlow(json: unknown): Reading {
  return known([balance("USD", numberOf(fieldsOf(fieldsOf(json)["data"])["totalBalance"]))], "balance");
}

const NANO = 1e9;

/** Billionths of a dollar. What is included comes first, then what the limit allows. */
export function readHuggingFace(json: unknown): Reading {
  const providers = fieldsOf(fieldsOf(fieldsOf(json)["usage"])["inferenceProviders"]);
  const used = numberOf(providers["usedNanoUsd"]);
  const limit = numberOf(providers["limitNanoUsd"]) ?? numberOf(providers["includedNanoUsd"]);
  return known(
    [
      quotaOf({
        ...{ window: "month", unit: "USD", pool: "user", blocking: limit !== undefined },
        used: used === undefined ? undefined : used / NANO,
        limit: limit === undefined ? undefined : limit / NANO,
      }),
    ],
    "usage",
  );
}
