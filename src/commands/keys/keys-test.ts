import type { Tone } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand, usageProblem } from "../../cli/command.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { type Key, keyTitle } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { cooldownId } from "../../core/routing/cooldown.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import { readCooldowns } from "../state.ts";
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

/** Reports keys that passed the test but stay out of use because an earlier request rejected them. */
export async function tellLeftAlone(context: CommandContext, keys: readonly Key[]): Promise<void> {
  const nowMs = Date.now();
  const refused = new Set(
    (await readCooldowns(context)).flatMap(({ id, kind, untilMs }) =>
      kind === "auth" && untilMs > nowMs ? [id] : [],
    ),
  );
  for (const key of keys) {
    if (!refused.has(cooldownId.key(key.fingerprint))) continue;
    const title = keyTitle(key);
    talk.info(
      `${title} works, but it is cooling down after an earlier refusal. To use it: orouter keys reset ${title}`,
    );
  }
}

/** Long enough for a slow service; all keys are tried at once. */
const TRIAL_MS = 10_000;

export function trialOptions({ rules }: Pick<Settings, "rules">): TrialOptions {
  keepLoopbackDirect(process.env);
  const signal = AbortSignal.timeout(TRIAL_MS);
  return { rules, nowMs: Date.now(), signal, isListOpen: openListFinder(signal) };
}

/** Prevents a test of hundreds of models by mistake. */
export const MODELS_LIMIT = 50;

const KEYS_TEST_ARGS = {
  name: { ...KEY_ARGS.name, required: false },
  provider: KEY_ARGS.provider,
  models: {
    type: "string",
    description: "Test models as well: those in chains, or all listed",
    valueHint: "chains|all",
    offers: { words: ["chains", "all"] },
  },
  limit: {
    type: "string",
    description: `Test at most N models per key (default: ${MODELS_LIMIT})`,
    valueHint: "NUMBER",
  },
  yes: { type: "boolean", alias: "y", description: "Skip the confirmation before models are tested" },
  json: { type: "boolean", description: 'Print {"keys":[…]}, or {"models":[…]} with --models' },
} satisfies ArgDefs;

export const keysTestCommand = defineCommand({
  name: "test",
  about: "Test each key with one cheap call; exit 1 if one is refused",
  examples: [
    { line: "orouter keys test", does: "all of them, disabled ones too" },
    { line: "orouter keys test nvidia/work", does: "one of them" },
    { line: "orouter keys test --provider nvidia --json", does: "one provider's, for scripts" },
    { line: "orouter keys test work --models all", does: "which models it really has; asks first" },
  ],
  args: KEYS_TEST_ARGS,
  run: test,
  children: {},
});

interface TriedKey {
  key: Key;
  trial: KeyTrial;
}

async function test(args: ArgsOf<typeof KEYS_TEST_ARGS>): Promise<number> {
  const context = await readContext();
  const keys = chosenKeys(context, args.name, args.provider);
  const asJson = args.json === true;
  if (keys.length === 0 && !asJson) say("No key to test. Add one: orouter keys add ollama-cloud");
  const choice = modelChoice(args);
  if (choice !== undefined && keys.length > 0) {
    const options = { choice, limit: limitOf(args), isSure: args.yes === true, asJson };
    return testModels(context, keys, options);
  }
  const tried = await tryKeys(context, keys);
  if (asJson) outJson({ keys: tried.map(toJson) });
  else if (tried.length > 0) out(resultText(tried, outputLook(context.settings.theme)));
  await tellLeftAlone(context, letIn(tried));
  return tried.some(({ trial }) => trial.kind === "refused") ? EXIT.failed : EXIT.fine;
}

async function tryKeys(context: CommandContext, keys: readonly Key[]): Promise<TriedKey[]> {
  const options = trialOptions(context.settings);
  return Promise.all(keys.map((key) => tryKey(context, key, options)));
}

export async function tellKeyTests(context: CommandContext, keys: readonly Key[]): Promise<void> {
  const tried = await tryKeys(context, keys);
  for (const { key, trial } of tried) {
    const sentence = `${describeKey(key)}: ${trialWords(trial, key.provider)}`;
    if (trial.kind === "refused") talk.warn(sentence);
    else talk.success(sentence);
  }
  await tellLeftAlone(context, letIn(tried));
}

function letIn(tried: readonly TriedKey[]): Key[] {
  return tried.flatMap(({ key, trial }) => (trial.kind === "ok" ? [key] : []));
}

function modelChoice(args: ArgsOf<typeof KEYS_TEST_ARGS>): ModelChoice | undefined {
  const text = args.models;
  if (text === undefined) return undefined;
  const choice = MODEL_CHOICES.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw usageProblem(`--models must be ${MODEL_CHOICES.join(" or ")}.`, ["orouter", "keys", "test"]);
}

function limitOf(args: ArgsOf<typeof KEYS_TEST_ARGS>): number {
  const text = args.limit ?? String(MODELS_LIMIT);
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw usageProblem("--limit must be a number of at least 1.", ["orouter", "keys", "test"]);
}

function chosenKeys(context: CommandContext, name: string | undefined, provider: string | undefined): Key[] {
  if (name !== undefined) return [loadedKey(context, findKey(listKeys(context), name, provider))];
  return context.keys.filter((key) => provider === undefined || key.provider === provider);
}

/** If one secret has two names, either will do. */
export function loadedKey({ keys }: CommandContext, listed: ListedKey): Key {
  const { provider, name, fingerprint } = listed;
  const found = keys.find((key) => key.provider === provider && key.fingerprint === fingerprint);
  if (found !== undefined) return { ...found, name };
  throw new Problem({
    code: "key-unusable",
    what: `${provider}/${name} cannot be used at the moment.`,
    fix: "See the warning above.",
  });
}

async function tryKey({ settings }: CommandContext, key: Key, options: TrialOptions): Promise<TriedKey> {
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
    { title: "RESULT", wraps: true, tone: (row) => RESULT_TONES[tried[row]?.trial.kind ?? "unproven"] },
  ];
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
