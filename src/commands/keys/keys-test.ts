import { out, outJson, say } from "../../cli/io.ts";
import { outputWidth, tableText } from "../../cli/table.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import type { Key } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { readWorld, type World } from "../world.ts";
import { findKey } from "./find-key.ts";
import { type ListedKey, listKeys } from "./listed-key.ts";
import { openListFinder } from "./open-list.ts";
import { KEY_ARGS } from "./own-key.ts";
import { type KeyTrial, type TrialOptions, testKey } from "./test-key.ts";
import { trialWords } from "./trial-words.ts";

/** `orouter keys test`: one cheap call per key, all at once. */
export const keysTestVerb: Verb = {
  name: "test",
  about: "Try each key with one cheap call; exit 1 if any is refused",
  examples: [
    { line: "orouter keys test", does: "all of them, disabled ones too" },
    { line: "orouter keys test nvidia/work", does: "one of them" },
    { line: "orouter keys test --provider nvidia --json", does: "one provider's, for scripts" },
  ],
  args: {
    name: { ...KEY_ARGS.name, required: false },
    provider: KEY_ARGS.provider,
    json: { type: "boolean", description: 'Print {"keys":[…]} with what each answered' },
  },
  run: test,
  children: {},
};

/** Long enough for a slow service, short enough to wait for. */
const TRIAL_MS = 10_000;

interface TriedKey {
  key: Key;
  trial: KeyTrial;
}

async function test(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  const keys = chosenKeys(world, textArg(args, "name"), textArg(args, "provider"));
  const asJson = args["json"] === true;
  if (keys.length === 0 && !asJson) say("There is no key to test. Add one: orouter keys add ollama-cloud");
  const signal = AbortSignal.timeout(TRIAL_MS);
  const options = {
    rules: world.settings.rules,
    nowMs: Date.now(),
    signal,
    isListOpen: openListFinder(signal),
  };
  const tried = await Promise.all(keys.map((key) => tryKey(world, key, options)));
  if (asJson) outJson({ keys: tried.map(toJson) });
  else if (tried.length > 0) out(resultText(tried));
  return tried.some(({ trial }) => trial.kind === "refused") ? EXIT.failed : EXIT.fine;
}

function chosenKeys(world: World, name: string | undefined, provider: string | undefined): Key[] {
  if (name !== undefined) return [loadedKey(world, findKey(listKeys(world), name, provider))];
  return world.keys.filter((key) => provider === undefined || key.provider === provider);
}

/** The secret of a listed key. Where the same secret has two names, either will do. */
function loadedKey({ keys }: World, listed: ListedKey): Key {
  const { provider, name, fingerprint } = listed;
  const found = keys.find((key) => key.provider === provider && key.fingerprint === fingerprint);
  if (found !== undefined) return { ...found, name };
  throw new Problem({
    code: "key-unusable",
    what: `${provider}/${name} cannot be used at the moment.`,
    fix: "The note above says why.",
  });
}

async function tryKey({ settings }: World, key: Key, options: TrialOptions): Promise<TriedKey> {
  const provider = providerOf(settings, key.provider);
  if (provider === undefined) throw new Error(`a key of ${key.provider} came without its provider`);
  return { key, trial: await testKey(provider, key, options) };
}

function resultText(tried: readonly TriedKey[]): string {
  const columns = [
    { title: "PROVIDER", shrinks: true },
    { title: "NAME", shrinks: true },
    { title: "FINGERPRINT" },
    { title: "RESULT" },
  ];
  // The reason may wrap: cut short it would lose what the provider said.
  const rows = tried.map(({ key, trial }) => [
    key.provider,
    key.name,
    key.fingerprint,
    trialWords(trial, key.provider),
  ]);
  return tableText(columns, rows, outputWidth());
}

function toJson({ key, trial }: TriedKey) {
  const { provider, name, fingerprint, enabled } = key;
  const ok = trial.kind === "unproven" ? null : trial.kind === "ok";
  if (trial.kind !== "refused") return { provider, name, fingerprint, enabled, ok };
  const { verdict = null, status, message } = trial;
  return { provider, name, fingerprint, enabled, ok, verdict, status, message };
}
