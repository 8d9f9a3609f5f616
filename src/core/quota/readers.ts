import { HEADER_READERS, type HeaderReader } from "./header-readers.ts";
import {
  readChutes,
  readCline,
  readCopilot,
  readKimi,
  readMiniMax,
  readNanoGpt,
  readOllama,
  readOpenCodeGo,
  readOpenRouter,
  readSynthetic,
  readZai,
} from "./plan-readers.ts";
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

/** How one service lets a key holder read what is left. */
export interface QuotaReader {
  /** The hosts of its API, each with the origin that answers for it. A key is sent to no other. */
  origins: Readonly<Record<string, string>>;
  /** What comes behind the origin. */
  path: (nowMs: number) => string;
  read: (json: unknown, nowMs: number, host: string) => Reading;
  /** Statuses that say something else than usual. */
  statuses?: Readonly<Record<number, Reading>>;
}

const NO_PLAN: Reading = { kind: "no-plan" };

function reader(
  origins: Record<string, string>,
  path: string,
  read: QuotaReader["read"],
  statuses?: QuotaReader["statuses"],
): QuotaReader {
  return { origins, path: () => path, read, ...(statuses === undefined ? {} : { statuses }) };
}

function same(...hosts: string[]): Record<string, string> {
  return Object.fromEntries(hosts.map((host) => [host, `https://${host}`]));
}

const HUGGING_FACE_PATH = "/api/settings/billing/usage-v2";

/** Seconds: milliseconds end in a 500 there. */
function huggingFacePath(nowMs: number): string {
  const now = new Date(nowMs);
  const startMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  return `${HUGGING_FACE_PATH}?startDate=${startMs / 1000}&endDate=${Math.floor(nowMs / 1000)}`;
}

/** Services with an address to ask. The name is what `quota` in config.toml says, and the id of its preset. */
const READERS: Readonly<Record<string, QuotaReader>> = {
  "ollama-cloud": reader(same("ollama.com"), "/api/balance", readOllama),
  openrouter: reader(same("openrouter.ai"), "/api/v1/key", readOpenRouter),
  "opencode-go": reader(same("opencode.ai"), "/zen/go/v1/usage", readOpenCodeGo, { 403: NO_PLAN }),
  "zai-coding-plan": reader(same("api.z.ai", "open.bigmodel.cn"), "/api/monitor/usage/quota/limit", readZai),
  "kimi-code": reader(same("api.kimi.com", "api.kimi.ai"), "/coding/v1/usages", readKimi),
  minimax: reader(same("api.minimax.io", "api.minimaxi.com"), "/v1/token_plan/remains", readMiniMax),
  synthetic: reader(same("api.synthetic.new"), "/v2/quotas", readSynthetic),
  "nano-gpt": reader(same("nano-gpt.com"), "/api/subscription/v1/usage", readNanoGpt),
  chutes: reader(
    { "llm.chutes.ai": "https://api.chutes.ai", "api.chutes.ai": "https://api.chutes.ai" },
    "/users/me/subscription_usage",
    readChutes,
    // Also the answer to a key that may only call models.
    { 401: { kind: "unknown", why: "the key may not read the account" } },
  ),
  "github-copilot": reader(
    { "api.githubcopilot.com": "https://api.github.com", "api.github.com": "https://api.github.com" },
    "/copilot_internal/user",
    readCopilot,
  ),
  cline: reader(same("api.cline.bot"), "/api/v1/users/me/plan/usage-limits", readCline, { 404: NO_PLAN }),
  deepseek: reader(same("api.deepseek.com"), "/user/balance", readDeepSeek),
  moonshotai: reader(
    same("api.moonshot.ai", "api.moonshot.cn"),
    "/v1/users/me/balance",
    (json, _nowMs, host) => readMoonshot(json, host),
  ),
  "novita-ai": reader(same("api.novita.ai"), "/openapi/v1/billing/balance/detail", readNovita),
  vercel: reader(same("ai-gateway.vercel.sh"), "/v1/credits", readVercel),
  poe: reader(same("api.poe.com"), "/usage/current_balance", readPoe),
  venice: reader(same("api.venice.ai"), "/api/v1/billing/balance", readVenice),
  deepinfra: reader(same("api.deepinfra.com"), "/payment/checklist?compute_owed=true", readDeepInfra),
  siliconflow: reader(same("api.siliconflow.com"), "/v1/user/info", readSiliconFlow),
  huggingface: {
    origins: {
      "router.huggingface.co": "https://huggingface.co",
      "huggingface.co": "https://huggingface.co",
    },
    path: huggingFacePath,
    read: readHuggingFace,
  },
};

/** Every name that `quota` in config.toml may have. */
export const QUOTA_NAMES: readonly string[] = [
  ...new Set([...Object.keys(READERS), ...Object.keys(HEADER_READERS)]),
].toSorted();

/** The reader of a provider's reply headers; undefined where they say nothing. */
export function headerReaderOf(name: string | undefined): HeaderReader | undefined {
  return name === undefined || !Object.hasOwn(HEADER_READERS, name) ? undefined : HEADER_READERS[name];
}

/** Where and how to ask for a key's quota. */
export interface QuotaEndpoint {
  url: string;
  reader: QuotaReader;
}

/**
 * The address to ask for a provider's quota. A known host is asked at its own origin; another one only if the settings
 * name the reader, and then at the origin of the provider's own address. Undefined where there is nothing to ask.
 */
export function quotaEndpoint(
  { quota, isQuotaNamed, baseUrl }: { quota: string | undefined; isQuotaNamed: boolean; baseUrl: string },
  nowMs: number,
): QuotaEndpoint | undefined {
  if (quota === undefined || !Object.hasOwn(READERS, quota)) return undefined;
  const found = READERS[quota];
  const base = URL.parse(baseUrl);
  if (found === undefined || base === null) return undefined;
  const isKnown = base.protocol === "https:" && Object.hasOwn(found.origins, base.host);
  const origin = isKnown ? found.origins[base.host] : isQuotaNamed ? base.origin : undefined;
  return origin === undefined ? undefined : { url: origin + found.path(nowMs), reader: found };
}

/** The reader that a provider has without being told: the one of its own name. */
export function usualQuota(provider: string): string | undefined {
  return QUOTA_NAMES.includes(provider) ? provider : undefined;
}

/** What came back from a provider's address. */
export interface QuotaReply {
  status: number;
  body: string;
}

const STATUS_READINGS: Readonly<Record<number, Reading>> = {
  401: { kind: "key-rejected" },
  403: { kind: "unknown", why: "the key may not read this (403)" },
  404: { kind: "unknown", why: "there is no such address (404)" },
  // The limit of this address says nothing about the quota.
  429: { kind: "unknown", why: "asked too often (429)" },
};

/** Understands a reply. The body comes first: some services answer 200 to a key that may not read. */
export function readQuotaReply(
  { reader, url }: QuotaEndpoint,
  { status, body }: QuotaReply,
  nowMs: number,
): Reading {
  const said = reader.statuses?.[status] ?? STATUS_READINGS[status];
  if (said !== undefined) return said;
  if (status < 200 || status >= 300) return { kind: "unknown", why: `the provider answered ${status}` };
  const json = parsed(body);
  if (typeof json !== "object" || json === null) return { kind: "unknown", why: "the reply is not JSON" };
  return reader.read(json, nowMs, URL.parse(url)?.host ?? "");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
