import * as v from "valibot";
import { attempt } from "./request-shapes.ts";
import {
  amount,
  atMs,
  count,
  field,
  flag,
  model,
  named,
  orNull,
  readiness,
  text,
  texts,
  verdict,
} from "./shape-parts.ts";

const tokens = orNull(count);
const modalities = orNull(v.array(v.picklist(["text", "image", "audio", "video", "pdf"])));

/** `models info` */
export const modelInfo = named(
  "Model",
  v.strictObject({
    provider: field(text, "`orouter` for a chain"),
    id: text,
    name: text,
    context: field(tokens, "its window in tokens"),
    output: field(tokens, "its longest answer"),
    input: field(tokens, "its longest prompt, where that is less than the window"),
    toolCall: orNull(flag),
    reasoning: orNull(flag),
    vision: orNull(flag),
    inputs: modalities,
    outputs: modalities,
    cost: field(
      orNull(
        v.strictObject({
          input: amount,
          output: amount,
          cacheRead: orNull(amount),
          cacheWrite: orNull(amount),
        }),
      ),
      "dollars for a million tokens",
    ),
    source: field(v.picklist(["live", "models.dev", "config", "default"]), "where it is known from"),
    isRetired: flag,
    replacement: orNull(text),
    leftOut: field(texts, "members of a chain that nothing is known about"),
    refusedBy: field(
      v.array(v.strictObject({ key: field(orNull(text), "null: everyone was refused"), why: verdict })),
      "keys that were told they may not have it",
    ),
  }),
);

const providerList = named(
  "ProviderList",
  v.strictObject({
    id: text,
    from: field(v.picklist(["live", "cache", "none"]), "none: what is built in or configured"),
    ageSeconds: orNull(count),
    models: count,
    failure: field(orNull(text), "why it could not be asked"),
  }),
);

/** `models`, `models list` */
export const modelList = v.strictObject({ models: v.array(modelInfo), providers: v.array(providerList) });

/** `models refresh` */
export const modelRefresh = v.strictObject({
  providers: v.array(providerList),
  modelsDev: v.strictObject({ failure: orNull(text) }),
});

/** `models clear-cache` */
export const modelClearCache = v.strictObject({ removed: field(count, "files") });

const traits = {
  context: field(tokens, "the smallest there is, in tokens"),
  output: tokens,
  toolCall: orNull(flag),
  vision: orNull(flag),
};

/** `chain`, `chain list` */
export const chainList = v.strictObject({
  version: v.literal(2),
  chains: v.array(
    v.strictObject({
      name: text,
      entries: field(texts, "as config.toml has them"),
      ...traits,
      leftOut: field(texts, "members that nothing is known about"),
      models: v.array(
        v.strictObject({
          model,
          ...traits,
          keys: field(count, "enabled keys of its provider"),
          ready: field(count, "those that could answer now"),
          ...readiness,
          bench: field(
            orNull(
              v.strictObject({
                atMs,
                firstTokenMs: amount,
                tokensPerSecond: orNull(amount),
                isEstimated: flag,
              }),
            ),
            "the medians of the last benchmark",
          ),
        }),
      ),
    }),
  ),
  fallbacks: v.array(
    v.strictObject({
      model: field(text, "`*` for every other"),
      entries: texts,
      models: field(texts, "behind the entries"),
    }),
  ),
});

/** `chain test` */
export const chainTest = v.strictObject({
  asked: model,
  answered: flag,
  model: orNull(text),
  key: field(orNull(text), "the name of the key that answered"),
  firstTokenMs: orNull(amount),
  durationMs: orNull(amount),
  text: field(orNull(text), "the answer"),
  error: orNull(text),
  attempts: v.array(attempt),
});

const spread = v.strictObject({ median: amount, min: amount, max: amount });

const benchFigures = {
  runs: field(count, "that were answered"),
  failed: field(count, "calls that were not"),
  tokensPerSecond: orNull(spread),
  isEstimated: field(flag, "tokens were counted by characters"),
};

/** One of those that `status` has kept. */
export const benchResult = v.strictObject({ model, atMs, ...benchFigures, firstTokenMs: spread });

/** `bench` */
export const bench = v.array(
  v.strictObject({
    model,
    outcome: v.picklist(["measured", "failed", "skipped", "interrupted"]),
    why: field(orNull(text), "of a skipped one"),
    atMs: orNull(amount),
    ...benchFigures,
    firstTokenMs: orNull(spread),
    refusals: v.array(v.strictObject({ key: text, verdict, status: count, message: text })),
    skippedKeys: field(
      v.array(v.strictObject({ key: text, why: text })),
      "not used: disabled or cooling down",
    ),
  }),
);
