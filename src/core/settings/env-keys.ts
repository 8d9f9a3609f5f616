/** A variable that holds a key of a provider. */
export interface EnvKey {
  provider: string;
  variable: string;
  text: string;
}

/** What of a provider says where its keys are. */
interface KeyedProvider {
  id: string;
  env: readonly string[];
}

/** Finds the keys in an environment: `NAME`, then `NAME_1`, `NAME_2`, … by number, for each provider's names. */
export function findEnvKeys(
  env: Readonly<Record<string, string | undefined>>,
  providers: readonly KeyedProvider[],
): EnvKey[] {
  const numbered = numberedVariables(env);
  return providers.flatMap((provider) =>
    provider.env.flatMap((base) =>
      [base, ...(numbered.get(base) ?? [])].flatMap((variable) => {
        const text = env[variable] ?? "";
        return text.trim() === "" ? [] : [{ provider: provider.id, variable, text }];
      }),
    ),
  );
}

/** The variables that end in a number, by what stands before it: an environment is searched once, not per provider. */
function numberedVariables(env: Readonly<Record<string, string | undefined>>): Map<string, string[]> {
  const found = new Map<string, { variable: string; number: number }[]>();
  for (const variable of Object.keys(env)) {
    const match = /^(.+)_(\d{1,9})$/.exec(variable);
    if (match?.[1] === undefined) continue;
    const list = found.get(match[1]) ?? [];
    list.push({ variable, number: Number(match[2]) });
    found.set(match[1], list);
  }
  const sorted = [...found].map(([base, list]): [string, string[]] => {
    list.sort((a, b) => a.number - b.number || a.variable.localeCompare(b.variable));
    return [base, list.map(({ variable }) => variable)];
  });
  return new Map(sorted);
}
