import * as v from "valibot";
import { STRATEGIES } from "../../src/core/routing/session.ts";
import {
  count,
  field,
  fingerprint,
  fingerprintOrNull,
  flag,
  keySource,
  model,
  orNull,
  provider,
  text,
  texts,
  verdict,
} from "./shape-parts.ts";

/** `keys`, `keys list` */
export const keyList = v.strictObject({
  keys: v.array(
    v.strictObject({
      provider,
      name: text,
      fingerprint: fingerprintOrNull,
      source: keySource,
      from: field(text, "where exactly: a variable, a file, or `keychain`"),
      enabled: flag,
    }),
  ),
});

const refusal = {
  verdict: v.optional(field(orNull(verdict), "only of a refused one; null where no answer came")),
  status: v.optional(field(count, "0 where no answer came")),
  message: v.optional(field(text, "the provider's own words")),
};

/** `keys test`, without and with `--models` */
export const keyTest = v.union([
  v.strictObject({
    keys: v.array(
      v.strictObject({
        provider,
        name: text,
        fingerprint,
        enabled: flag,
        ok: field(orNull(flag), "null: not refused, but anyone may ask this provider"),
        ...refusal,
      }),
    ),
  }),
  v.strictObject({
    models: v.array(
      v.strictObject({
        provider,
        name: field(text, "of the key"),
        fingerprint,
        model,
        ok: field(orNull(flag), "null: not asked"),
        ...refusal,
      }),
    ),
  }),
]);

const offer = v.strictObject({
  path: field(text, "as `config get` takes it"),
  value: v.union([text, v.number(), texts]),
  before: orNull(v.union([text, v.number()])),
});

/** `keys import` */
export const keyImport = v.strictObject({
  sources: field(
    v.array(
      v.strictObject({
        kind: v.picklist(["ollama-router", "multi-auth", "nim-rotator", "env", "auth", "export"]),
        from: text,
        tool: text,
        keys: count,
      }),
    ),
    "what was read",
  ),
  added: v.array(v.strictObject({ provider, name: text, fingerprint: fingerprintOrNull, enabled: flag })),
  known: field(v.array(v.strictObject({ provider, name: text })), "were there already"),
  twice: field(v.array(v.strictObject({ provider, name: text })), "came more than once, taken once"),
  leftOut: field(texts, "sentences about what was not taken"),
  providers: field(texts, "ids that were written into config.toml"),
  settings: field(v.array(offer), "settings that were written"),
  offered: field(v.array(offer), "settings that `--settings` would write"),
});

/** `keys export`, which is JSON without a flag */
export const keyExport = v.strictObject({
  format: v.literal("orouter-keys"),
  version: v.literal(1),
  keys: v.array(
    v.strictObject({
      provider,
      name: text,
      fingerprint: fingerprintOrNull,
      enabled: flag,
      source: keySource,
      value: v.optional(field(text, "the secret, with `--with-secrets`")),
      env: v.optional(field(text, "the variable that holds it")),
      keychain: v.optional(v.literal(true)),
    }),
  ),
});

/** `keys strategy` */
export const keyStrategy = v.strictObject({ strategy: v.picklist(STRATEGIES) });
