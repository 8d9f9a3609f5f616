import type { Tone } from "../../cli/colour.ts";
import { textArg, usageProblem, type Verb, type VerbArgs } from "../../cli/command.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { type Key, keyTitle } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { cooldownId } from "../../core/routing/cooldown.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import { readCooldowns } from "../state.ts";
import { readWorld, type World } from "../world.ts";
import { describeKey, findKey, KEY_ARGS, type ListedKey, listKeys } from "./own-key.ts";
import {
  type KeyTrial,
  MODEL_CHOICES,
  type ModelChoice,
  openListFinder,
  type TrialOptions,
  testKey,
  testModels,
  trialWords,
} from "./test-key.ts";

/** Tells of keys that have just been let in, and that no request would use, since they once were not. */
export async function tellLeftAlone(world: World, keys: readonly Key[]): Promise<void> {
  const nowMs = Date.now();
  const refused = new Set(
    (await readCooldowns(world)).flatMap(({ id, kind, untilMs }) =>
      kind === "auth" && untilMs > nowMs ? [id] : [],
    ),
  );
  for (const key of keys) {
    if (!refused.has(cooldownId.key(key.fingerprint))) continue;
    const title = keyTitle(key);
    talk.info(
      `${title} works, but it is left alone because it was refused before. To use it: orouter keys reset ${title}`,
    );
  }
}

/** Long enough for a slow service, short enough to wait for; all keys are tried at once. */
const TRIAL_MS = 10_000;

/** What keys are tried with, from now on. */
export function trialOptions({ rules }: Pick<Settings, "rules">): TrialOptions {
  keepLoopbackDirect(process.env);
  const signal = AbortSignal.timeout(TRIAL_MS);
  return { rules, nowMs: Date.now(), signal, isListOpen: openListFinder(signal) };
}

/** A provider with hundreds of models should not be asked for all of them by mistake. */
export const MODELS_LIMIT = 50;

/** `orouter keys test`: one cheap call per key, all at once. */
export const keysTestVerb: Verb = {
  name: "test",
  about: "Try each key with one cheap call; exit 1 if any is refused",
  examples: [
    { line: "orouter keys test", does: "all of them, disabled ones too" },
    { line: "orouter keys test nvidia/work", does: "one of them" },
    { line: "orouter keys test --provider nvidia --json", does: "one provider's, for scripts" },
    { line: "orouter keys test work --models all", does: "which models it really has; asks first" },
  ],
  args: {
    name: { ...KEY_ARGS.name, required: false },
    provider: KEY_ARGS.provider,
    models: {
      type: "string",
      description: "Ask its models, too: those in chains, or all that are listed",
      valueHint: "chains|all",
      offers: { words: ["chains", "all"] },
    },
    limit: {
      type: "string",
      description: `At most so many models for each key (default: ${MODELS_LIMIT})`,
      valueHint: "NUMBER",
    },
    yes: { type: "boolean", alias: "y", description: "Do not ask before models are asked" },
    json: { type: "boolean", description: 'Print {"keys":[…]}, or {"models":[…]}, with what each answered' },
  },
  run: test,
  children: {},
};

interface TriedKey {
  key: Key;
  trial: KeyTrial;
}

async function test(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  const keys = chosenKeys(world, textArg(args, "name"), textArg(args, "provider"));
  const asJson = args["json"] === true;
  if (keys.length === 0 && !asJson) say("There is no key to test. Add one: orouter keys add ollama-cloud");
  const choice = modelChoice(args);
  if (choice !== undefined && keys.length > 0) {
    const options = { choice, limit: limitOf(args), isSure: args["yes"] === true, asJson };
    return testModels(world, keys, options);
  }
  const tried = await tryKeys(world, keys);
  if (asJson) outJson({ keys: tried.map(toJson) });
  else if (tried.length > 0) out(resultText(tried, outputLook(world.settings.theme)));
  await tellLeftAlone(world, letIn(tried));
  return tried.some(({ trial }) => trial.kind === "refused") ? EXIT.failed : EXIT.fine;
}

async function tryKeys(world: World, keys: readonly Key[]): Promise<TriedKey[]> {
  const options = trialOptions(world.settings);
  return Promise.all(keys.map((key) => tryKey(world, key, options)));
}

/** Tries keys with one cheap call each, and tells what they answered. */
export async function tellKeyTests(world: World, keys: readonly Key[]): Promise<void> {
  const tried = await tryKeys(world, keys);
  for (const { key, trial } of tried) {
    const sentence = `${describeKey(key)}: ${trialWords(trial, key.provider)}`;
    if (trial.kind === "refused") talk.warn(sentence);
    else talk.success(sentence);
  }
  await tellLeftAlone(world, letIn(tried));
}

function letIn(tried: readonly TriedKey[]): Key[] {
  return tried.flatMap(({ key, trial }) => (trial.kind === "ok" ? [key] : []));
}

function modelChoice(args: VerbArgs): ModelChoice | undefined {
  const text = textArg(args, "models");
  if (text === undefined) return undefined;
  const choice = MODEL_CHOICES.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw usageProblem(`--models takes ${MODEL_CHOICES.join(" or ")}.`, ["orouter", "keys", "test"]);
}

function limitOf(args: VerbArgs): number {
  const text = textArg(args, "limit") ?? String(MODELS_LIMIT);
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw usageProblem("--limit takes a number from 1 on.", ["orouter", "keys", "test"]);
}

function chosenKeys(world: World, name: string | undefined, provider: string | undefined): Key[] {
  if (name !== undefined) return [loadedKey(world, findKey(listKeys(world), name, provider))];
  return world.keys.filter((key) => provider === undefined || key.provider === provider);
}

/** The secret of a listed key. Where the same secret has two names, either will do. */
export function loadedKey({ keys }: World, listed: ListedKey): Key {
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

const RESULT_TONES: Record<KeyTrial["kind"], Tone> = { ok: "good", unproven: "warn", refused: "bad" };

function resultText(tried: readonly TriedKey[], look: TableLook): string {
  const columns: Column[] = [
    { title: "PROVIDER", shrinks: true },
    { title: "NAME", shrinks: true },
    { title: "FINGERPRINT", tone: () => "muted" },
    { title: "RESULT", tone: (row) => RESULT_TONES[tried[row]?.trial.kind ?? "unproven"] },
  ];
  // The reason may wrap: cut short it would lose what the provider said.
  const rows = tried.map(({ key, trial }) => [
    key.provider,
    key.name,
    key.fingerprint,
    trialWords(trial, key.provider),
  ]);
  return tableText(columns, rows, look);
}

function toJson({ key, trial }: TriedKey) {
  const { provider, name, fingerprint, enabled } = key;
  const ok = trial.kind === "unproven" ? null : trial.kind === "ok";
  if (trial.kind !== "refused") return { provider, name, fingerprint, enabled, ok };
  const { verdict = null, status, message } = trial;
  return { provider, name, fingerprint, enabled, ok, verdict, status, message };
}
