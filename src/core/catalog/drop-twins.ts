/** OmniRoute lists many models twice, under the short prefix of their account and under its long one. */
const LONG_FORMS: Readonly<Record<string, string>> = {
  claude: "cc",
  codex: "cx",
  "kimi-coding": "kmc",
  github: "gh",
  "gemini-cli": "gc",
};

/** A list without the long forms of what is there in the short one, and without repetitions. */
export function dropTwins<T extends { id: string }>(models: readonly T[]): T[] {
  const ids = new Set(models.map((model) => model.id));
  const seen = new Set<string>();
  return models.filter(({ id }) => {
    const slash = id.indexOf("/");
    const short =
      slash > 0 && Object.hasOwn(LONG_FORMS, id.slice(0, slash)) ? LONG_FORMS[id.slice(0, slash)] : undefined;
    if (seen.has(id) || (short !== undefined && ids.has(short + id.slice(slash)))) return false;
    seen.add(id);
    return true;
  });
}
