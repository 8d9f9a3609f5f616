import { expect, test } from "bun:test";
import { HEADER_READERS } from "../../../src/core/quota/header-readers.ts";
import { amountLeft } from "../../../src/core/quota/quota.ts";

const NOW = Date.parse("2026-09-20T10:00:00Z");

/** `window: left/limit unit` of a reply's headers; marks for what blocks and for the model it counts. */
function read(reader: string, headers: Record<string, string>): string[] {
  const quotas = HEADER_READERS[reader]?.(new Headers(headers), "big", NOW) ?? [];
  return quotas.map((quota) => {
    const until = quota.resetsAt === undefined ? "" : ` until ${new Date(quota.resetsAt).toISOString()}`;
    const limit = quota.limit === undefined ? "" : `/${quota.limit}`;
    const marks = `${quota.blocking ? " blocks" : ""}${quota.models === undefined ? "" : ` ${quota.models.join()}`}`;
    return `${quota.window} ${amountLeft(quota)}${limit} ${quota.unit}${until}${marks}`;
  });
}

test("Groq: requests are of a day, tokens of a minute, and the reset is when all is left again", () => {
  const headers = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "370ms",
  };
  expect(read("groq", headers)).toEqual(["day 14370/14400 requests big", "minute 0/18000 tokens big"]);
});

test("Cerebras: each span has a bucket that refills", () => {
  const bucket = (unit: string, span: string, remaining: string) => ({
    [`x-ratelimit-limit-${unit}-${span}`]: "1000",
    [`x-ratelimit-remaining-${unit}-${span}`]: remaining,
    [`x-ratelimit-reset-${unit}-${span}`]: "33.01",
  });
  expect(
    read("cerebras", { ...bucket("requests", "day", "900"), ...bucket("tokens", "minute", "12.5") }),
  ).toEqual(["minute 12.5/1000 tokens big", "day 900/1000 requests big"]);
});

test("Mistral: the tokens of a month block a key, a limit of 0 is a key without any allowance", () => {
  const month = {
    "x-ratelimit-limit-tokens-month": "4000000",
    "x-ratelimit-remaining-tokens-month": "0",
    "x-ratelimit-tokens-query-cost": "2804",
  };
  expect(read("mistral", month)).toEqual(["month 0/4000000 tokens blocks"]);
  expect(
    read("mistral", { "x-ratelimit-limit-req-minute": "0", "x-ratelimit-remaining-req-minute": "0" }),
  ).toEqual([]);
});

test("Azure: -1 is unknown", () => {
  const headers = { "x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "-1" };
  expect(read("azure", headers)).toEqual([]);
});

test("Anthropic: a minute has a reset, and a subscription tells the used share of its windows", () => {
  expect(
    read("anthropic", {
      "anthropic-ratelimit-input-tokens-limit": "30000",
      "anthropic-ratelimit-input-tokens-remaining": "29000",
      "anthropic-ratelimit-input-tokens-reset": "2026-09-20T10:00:30Z",
      "anthropic-ratelimit-unified-5h-utilization": "0.25",
      "anthropic-ratelimit-unified-5h-reset": "1789905600",
      "anthropic-ratelimit-unified-5h-status": "allowed",
      "anthropic-ratelimit-unified-7d-utilization": "0.98",
      "anthropic-ratelimit-unified-7d-status": "rejected",
    }),
  ).toEqual([
    "5h 75 percent until 2026-09-20T12:00:00.000Z blocks",
    "week 0 percent blocks",
    "minute 29000/30000 tokens until 2026-09-20T10:00:30.000Z big",
  ]);
});

test("SambaNova: minute and day; a reset whose unit is unsure is not read", () => {
  expect(
    read("sambanova", {
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "59",
      "x-ratelimit-limit-requests-day": "12000",
      "x-ratelimit-remaining-requests-day": "11999",
      "x-ratelimit-reset-requests-day": "4h17m",
    }),
  ).toEqual(["minute 59/60 requests big", "day 11999/12000 requests big"]);
});

test("no headers, and nonsense, say nothing", () => {
  for (const reader of Object.keys(HEADER_READERS)) {
    expect(read(reader, {})).toEqual([]);
    expect(
      read(reader, { "x-ratelimit-remaining-requests": "many", "anthropic-ratelimit-tokens-remaining": "" }),
    ).toEqual([]);
  }
});
