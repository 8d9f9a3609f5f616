/** Habits of hosts with the names of their models: what they list or users write, and what goes on the wire. */
const HABITS: readonly { host: RegExp; cut: RegExp }[] = [
  // The suffix is for the local daemon, which takes it off before it asks the cloud.
  { host: /(?:^|\.)ollama\.com$/, cut: /(?::|-)cloud$/ },
  // Google's OpenAI form lists resource names.
  { host: /(?:^|\.)googleapis\.com$/, cut: /^models\// },
];

/** Base URLs are few, and asked about with every request. */
const known = new Map<string, (typeof HABITS)[number] | undefined>();

function habitOf(baseUrl: string): (typeof HABITS)[number] | undefined {
  if (!known.has(baseUrl)) {
    const host = URL.parse(baseUrl)?.hostname ?? "";
    known.set(
      baseUrl,
      HABITS.find((one) => one.host.test(host)),
    );
  }
  return known.get(baseUrl);
}

/** The id that a provider's API knows a model by, for one as it is listed or written in a config. */
export function wireModelId(model: string, baseUrl: string): string {
  const habit = habitOf(baseUrl);
  const id = habit === undefined ? model : model.replace(habit.cut, "");
  return id === "" ? model : id;
}
