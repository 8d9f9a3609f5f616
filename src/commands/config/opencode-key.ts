import { isInteractive } from "../../cli/io.ts";
import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { readKeyLines } from "../../cli/read-lines.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageFault } from "../../cli/usage-problem.ts";
import type { VerbArgs } from "../../cli/verb.ts";
import { isOpenApiKey } from "../../core/opencode-config/open-api-key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { cleanSecret } from "../../core/settings/secret.ts";
import { isVariableName } from "../../core/settings/setting-kinds.ts";

/** Where the `apiKey` of an entry comes from. */
export type KeyWay =
  | { kind: "text"; apiKey: string }
  | { kind: "stdin" }
  | { kind: "ask" }
  /** Nothing was said: what stands in the file, or what usually does. */
  | { kind: "usual" };

const WAYS = [
  "Name the variable that holds it:   --api-key-env NAME",
  "or pipe it in:                     --stdin < FILE",
  "or be asked for it:                --ask",
];

/** Reads the flags about the key. A real key among the arguments is refused, and not repeated. */
export function keyWay(args: VerbArgs): KeyWay {
  const apiKey = textArg(args, "api-key");
  const variable = textArg(args, "api-key-env");
  const ways: KeyWay[] = [];
  if (apiKey !== undefined) ways.push(openKey(apiKey));
  if (variable !== undefined) ways.push({ kind: "text", apiKey: `{env:${variableName(variable)}}` });
  if (args["stdin"] === true) ways.push({ kind: "stdin" });
  if (args["ask"] === true) ways.push({ kind: "ask" });
  if (ways.length > 1)
    throw usageFault(
      "There are several ways for one key here.",
      "Choose one of --api-key, --api-key-env, --stdin, --ask.",
    );
  return ways[0] ?? { kind: "usual" };
}

/** A key from stdin or from the keyboard; undefined where the person left. */
export async function readKey(way: "stdin" | "ask", name: string): Promise<string | undefined> {
  const lines = way === "stdin" ? await readKeyLines("Use --ask to be asked for it.") : await ask(name);
  if (lines === undefined) return undefined;
  const [line = ""] = lines;
  const secret = lines.length === 1 ? cleanSecret(line) : undefined;
  if (secret === undefined)
    throw usageFault("This is not one key.", "Give it alone, without blanks inside. Nothing was written.");
  return secret;
}

/** No key is there, and nobody to ask for one. */
export function noKeyProblem(provider: string): Problem {
  return usageFault(`${provider} needs a key.`, WAYS.join("\n"));
}

function openKey(apiKey: string): KeyWay {
  const inner = /^\{env:(.*)\}$/.exec(apiKey)?.[1] ?? "";
  if (isOpenApiKey(apiKey) && !looksLikeSecret(inner)) return { kind: "text", apiKey };
  throw new Problem({
    code: "secret-in-arguments",
    what: "A key is never taken as an argument: it would stay in your shell's history and in the list of processes.",
    fix: [
      ...WAYS,
      "--api-key is for what is no secret: {env:NAME}, {file:PATH}, sk_omniroute, none.",
      "If this was a real key, delete that line from your history.",
    ].join("\n"),
    exit: EXIT.usage,
  });
}

function variableName(name: string): string {
  if (isVariableName(name) && !looksLikeSecret(name)) return name;
  throw usageFault(
    "--api-key-env takes the name of a variable, not its value.",
    "For example: --api-key-env OMNIROUTE_API_KEY",
  );
}

async function ask(name: string): Promise<string[] | undefined> {
  if (!isInteractive())
    throw usageFault("There is no terminal to ask for the key.", WAYS.slice(0, 2).join("\n"));
  const { askSecrets } = await import("../../cli/prompts.ts");
  return askSecrets(`Key for ${name}`);
}
