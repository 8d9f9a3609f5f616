import { formatModelRef } from "../model-ref.ts";
import type { RestTarget } from "./rest.ts";

/** Whom a rest is about. */
export interface RestParty {
  fingerprint: string | undefined;
  /** `provider/model-id`. */
  model: string | undefined;
  /** Only where the provider as a whole rests. */
  provider: string | undefined;
}

/** A rest's party as people are told of it. */
export function restParty({ scope, provider, fingerprint, model }: RestTarget): RestParty {
  return {
    fingerprint,
    model: model === undefined ? undefined : formatModelRef({ provider, model }),
    provider: scope === "provider" ? provider : undefined,
  };
}

/** The key with this fingerprint. One secret may be a key of two providers; the model of a lane says which is meant. */
export function ownerOf<One extends { provider: string; fingerprint: string | undefined }>(
  { fingerprint, model }: RestParty,
  keys: readonly One[],
): One | undefined {
  const owners = keys.filter((key) => key.fingerprint === fingerprint);
  return owners.find((key) => model?.startsWith(`${key.provider}/`)) ?? owners[0];
}
