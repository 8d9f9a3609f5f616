import path from "node:path";
import { isInteractive, out, say } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { counted } from "../../core/counted.ts";
import { buildOpenCodeConfig } from "../../core/opencode-config/build-opencode-config.ts";
import { isOpenApiKey, variableOf } from "../../core/opencode-config/open-api-key.ts";
import { standingProvider } from "../../core/opencode-config/standing-provider.ts";
import { EXIT } from "../../core/problem.ts";
import { redact } from "../../core/redact.ts";
import { type PlannedEntry, planEntry, wantedEntry } from "./opencode-entry.ts";
import {
  checkOpencodeText,
  editOpencodeFile,
  mergeInto,
  opencodeFile,
  readOpencodeFile,
} from "./opencode-file.ts";
import { type KeyWay, keyWay, noKeyProblem, readKey } from "./opencode-key.ts";

/** `orouter config opencode`: for an opencode that is to reach a provider without orouter in between. */
export const configOpencodeVerb: Verb = {
  name: "opencode",
  about: "Write a provider into opencode's own config; everything else in it stays",
  examples: [
    { line: "orouter config opencode --print", does: "what the file would be; nothing is written" },
    {
      line: "orouter config opencode --base-url http://localhost:20128 --models auto",
      does: "OmniRoute on this machine, with its placeholder for a key",
    },
    {
      line: "orouter config opencode --api-key-env OMNIROUTE_API_KEY",
      does: "the key is taken from a variable whenever opencode runs",
    },
    {
      line: "orouter config opencode --provider work --base-url http://localhost:8000 --models a=One,b",
      does: "a server of one's own; a label follows its model's =",
    },
  ],
  args: {
    "base-url": {
      type: "string",
      description: "Where the provider is; exactly one /v1 is written",
      valueHint: "URL",
    },
    "api-key": {
      type: "string",
      description: "Only what is no secret: {env:NAME}, {file:PATH} or a placeholder",
      valueHint: "TEXT",
    },
    "api-key-env": { type: "string", description: "The variable that holds the key", valueHint: "NAME" },
    stdin: { type: "boolean", description: "Read the key from stdin and write it into the file" },
    ask: { type: "boolean", description: "Be asked for the key, unseen, and write it into the file" },
    models: {
      type: "string",
      description: "Its models, with commas between them: id or id=Label",
      valueHint: "LIST",
    },
    provider: { type: "string", description: "Its id (default: omniroute)", valueHint: "ID" },
    name: { type: "string", description: "What opencode calls it", valueHint: "NAME" },
    out: { type: "string", description: "Another file than opencode's global one", valueHint: "FILE" },
    print: { type: "boolean", description: "Print the new file and write nothing" },
  },
  run: configOpencode,
  children: {},
};

async function configOpencode(args: VerbArgs): Promise<number> {
  const { env } = process;
  const wanted = wantedEntry(args);
  const way = keyWay(args);
  const paths = resolvePaths(env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) say(`[orouter] ${warning}`);
  const named = textArg(args, "out");
  const file = named === undefined ? opencodeFile(env, paths) : path.resolve(named);
  const text = await readOpencodeFile(file);
  // Nobody is asked for a key that then cannot be written down.
  checkOpencodeText(file, text);
  const plan = planEntry(wanted, standingProvider(text, wanted.id), { settings, env });
  const apiKey = await keyFor(way, plan);
  if (apiKey === undefined) {
    say("Nothing was written.");
    return EXIT.failed;
  }
  const config = buildOpenCodeConfig({ ...plan, apiKey });
  if (args["print"] === true) {
    out(mergeInto(file, text, config).replace(/\n$/, ""));
    return EXIT.fine;
  }
  const isNew = way.kind !== "usual" || plan.usualKey === undefined;
  const isSecret = isNew && !isOpenApiKey(apiKey);
  const hasChanged = await editOpencodeFile(file, config, isSecret);
  tell(file, plan, hasChanged);
  if (isSecret) talk.info("The key stands in this file, which you alone can read now.");
  tellVariable(apiKey);
  return EXIT.fine;
}

async function keyFor(way: KeyWay, plan: PlannedEntry): Promise<string | undefined> {
  if (way.kind === "text") return way.apiKey;
  if (way.kind !== "usual") return readKey(way.kind, plan.name);
  if (plan.usualKey !== undefined) return plan.usualKey;
  if (!isInteractive()) throw noKeyProblem(plan.id);
  return readKey("ask", plan.name);
}

function tell(file: string, { id, baseURL, models }: PlannedEntry, hasChanged: boolean): void {
  if (!hasChanged) {
    talk.info(`${file}: nothing to change.`);
    return;
  }
  talk.success(`Wrote ${id} to ${file}: ${redact(baseURL, [])}, ${counted(models.length, "model")}.`);
}

/** opencode puts nothing in the place of a variable that is not set, and the provider then refuses the call. */
function tellVariable(apiKey: string): void {
  const variable = variableOf(apiKey);
  if (variable !== undefined && (process.env[variable] ?? "") === "")
    talk.warn(`The variable ${variable} is not set; opencode needs it to have the key.`);
}
