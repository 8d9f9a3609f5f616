/** A chain is a model id of one segment, so that it cannot be taken for `provider/model`. */
const CHAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/;
export const CHAIN_NAME_ALLOWED = "letters, digits and . _ : @ + -, beginning with a letter or digit";

/** Whether a text may name a chain. */
export function isChainName(name: string): boolean {
  return CHAIN_NAME.test(name);
}

/** What is wrong with a name for a new chain; undefined where nothing is. */
export function chainNameFault(name: string, taken: Readonly<Record<string, unknown>>): string | undefined {
  if (name === "") return "A chain needs a name.";
  if (Object.hasOwn(taken, name)) return `There is a chain ${name} already.`;
  return isChainName(name) ? undefined : `Only ${CHAIN_NAME_ALLOWED}.`;
}
