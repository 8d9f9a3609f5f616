import type { Rest } from "./rest.ts";

/** Whom a rest is about. */
export interface RestParty {
  fingerprint: string | undefined;
  /** `provider/model-id`. */
  model: string | undefined;
  /** Only where the provider as a whole rests. */
  provider: string | undefined;
}

/** Takes a rest's id apart: `restId` makes them of a scope, a fingerprint and a model, with blanks between. */
export function restParty({ id, scope }: Pick<Rest, "id" | "scope">): RestParty {
  const [, first = "", ...more] = id.split(" ");
  switch (scope) {
    case "provider":
      return { fingerprint: undefined, model: undefined, provider: first };
    case "model":
      return { fingerprint: undefined, model: [first, ...more].join(" "), provider: undefined };
    case "key":
      return { fingerprint: first, model: undefined, provider: undefined };
    case "lane":
      return { fingerprint: first, model: more.join(" "), provider: undefined };
  }
}

/** The key with this fingerprint. One secret may be a key of two providers; the model of a lane says which is meant. */
export function ownerOf<One extends { provider: string; fingerprint: string | undefined }>(
  { fingerprint, model }: RestParty,
  keys: readonly One[],
): One | undefined {
  const owners = keys.filter((key) => key.fingerprint === fingerprint);
  return owners.find((key) => model?.startsWith(`${key.provider}/`)) ?? owners[0];
}
