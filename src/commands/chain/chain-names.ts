import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import type { VerbArgs } from "../../cli/verb.ts";
import { unknownChain } from "../../config/edit-chains.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { chainNamed } from "../../core/settings/chains.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { findProvider } from "../keys/find-provider.ts";
import { findModel } from "../models/find-model.ts";
import { remarkOf } from "../models/model-words.ts";
import type { World } from "../world.ts";

/** Arguments that name a chain, and a model in it. */
export const CHAIN_ARGS = {
  chain: { type: "positional", description: "The chain's name", offers: { names: ["chains"] } },
  model: {
    type: "positional",
    description: "provider/model, its place in the chain, or the end of its name",
    offers: { names: ["models"] },
  },
} as const;

/** What goes into a list for the words of a person, and what they should hear about it. */
export interface NamedEntry {
  entry: string;
  notes: string[];
}

/** The name of a chain as a person typed it, `coding` and `orouter/coding` alike. */
export function chainArg(args: VerbArgs): string {
  const text = textArg(args, "chain") ?? "";
  if (looksLikeSecret(text)) throw secretInWords();
  return chainNamed(text) ?? text;
}

/** The name of a chain that is there. */
export function knownChain(args: VerbArgs, { chains }: Pick<Settings, "chains">): string {
  const name = chainArg(args);
  if (!Object.hasOwn(chains, name)) throw unknownChain(name, Object.keys(chains));
  return name;
}

/**
 * The model or chain that a person names. Its provider has to be known; a model that no list has is only remarked on,
 * since lists may be incomplete.
 */
export function namedEntry(
  text: string,
  world: Pick<World, "settings" | "keys">,
  catalog: Catalog,
): NamedEntry {
  const chain = chainNamed(text);
  if (chain !== undefined && Object.hasOwn(world.settings.chains, chain)) return { entry: chain, notes: [] };
  if (chain !== undefined) {
    const found = findModel(text, catalog, world);
    return { entry: formatModelRef({ provider: found.provider, model: found.id }), notes: [] };
  }
  const ref = parseModelRef(text);
  const provider = findProvider(world.settings, ref?.provider ?? text);
  const found = catalog.find(text);
  if (found === undefined && looksLikeSecret(text)) throw secretInWords();
  const listed = catalog.modelsOf(provider.id).map((model) => model.id);
  const isListed = listed.length === 0 || (found !== undefined && listed.includes(found.id));
  const near = isListed ? undefined : nearest(ref?.model ?? "", listed);
  const hint = didYouMean(near === undefined ? undefined : `${provider.id}/${near}`);
  const remark = found === undefined ? "" : remarkOf(found);
  const hasKey = world.keys.some((key) => key.enabled && key.provider === provider.id);
  return {
    entry: text,
    notes: [
      ...(isListed ? [] : [`${provider.id} does not list ${ref?.model}.${hint}`]),
      ...(remark === "" ? [] : [`${text} is ${remark}.`]),
      ...(hasKey ? [] : [`There is no key of ${provider.id} yet: orouter keys add ${provider.id}`]),
    ],
  };
}
