import { looksLikeSecret } from "../../../cli/looks-like-secret.ts";
import { readKeyLines } from "../../../cli/read-lines.ts";
import { talk } from "../../../cli/talk.ts";
import { textArg } from "../../../cli/text-arg.ts";
import { secretInWords, usageFault } from "../../../cli/usage-problem.ts";
import type { VerbArgs } from "../../../cli/verb.ts";
import type { NewKey } from "../../../config/edit-keys.ts";
import type { Env } from "../../../config/paths.ts";
import type { Problem } from "../../../core/problem.ts";
import { findPreset } from "../../../core/settings/presets.ts";
import type { Provider } from "../../../core/settings/provider.ts";
import { cleanSecret } from "../../../core/settings/secret.ts";
import { isVariableName } from "../../../core/settings/setting-kinds.ts";

/** How a key comes in. */
export type SecretWays =
  | { kind: "env"; variable: string }
  | { kind: "stdin" | "ask"; place: "value" | "keychain" };

/** A key that came in, and how it is to be kept. */
export interface NewSecret {
  secret: string;
  place: NewKey["place"];
}

/** Reads the flags; those that contradict each other are refused. */
export function secretWays(args: VerbArgs): SecretWays {
  const variable = textArg(args, "env");
  const name = textArg(args, "name");
  if ([variable, name].some((word) => word !== undefined && looksLikeSecret(word))) throw secretInWords();
  const place = args["keychain"] === true ? "keychain" : "value";
  if (variable === undefined) return { kind: args["stdin"] === true ? "stdin" : "ask", place };
  if (args["stdin"] === true || place === "keychain") {
    throw usageFault(
      "--env keeps a variable's name; it does not go with --stdin or --keychain.",
      "Choose one.",
    );
  }
  if (!isVariableName(variable))
    throw usageFault("--env takes the name of a variable, not its value.", "For example: --env MY_KEY");
  return { kind: "env", variable };
}

/** The keys that came in. Undefined: the person who was asked left. */
export async function readSecrets(
  ways: SecretWays,
  provider: Provider,
  env: Env,
): Promise<NewSecret[] | undefined> {
  if (ways.kind === "env") return [fromVariable(ways.variable, env)];
  const lines = ways.kind === "stdin" ? await fromStdin() : await ask(provider);
  return lines?.map((line, at) => {
    const secret = cleanSecret(line);
    if (secret === undefined) throw noKey(lines.length === 1 ? "This" : `Line ${at + 1}`);
    return { secret, place: { kind: ways.place, secret } };
  });
}

function fromVariable(variable: string, env: Env): NewSecret {
  const text = env[variable] ?? "";
  if (text.trim() === "") {
    throw usageFault(
      `The variable ${variable} is not set.`,
      `Set it first, so that it is there whenever orouter runs: export ${variable}=…`,
    );
  }
  const secret = cleanSecret(text);
  if (secret === undefined) throw noKey(`What ${variable} holds`);
  return { secret, place: { kind: "env", variable } };
}

async function fromStdin(): Promise<string[]> {
  const lines = await readKeyLines("Leave --stdin off to be asked for it.");
  if (lines.length === 0) throw usageFault("Nothing came in on stdin.", "Send one key a line.");
  return lines;
}

async function ask(provider: Provider): Promise<string[] | undefined> {
  const { askSecrets } = await import("../../../cli/prompts.ts");
  const page = findPreset(provider.id)?.keysUrl;
  if (page !== undefined) talk.info(`Keys of ${provider.name} are made at ${page}`);
  return askSecrets(`Key for ${provider.name} (several at once: one a line)`);
}

function noKey(what: string): Problem {
  return usageFault(
    `${what} is no key: it has blanks or odd characters inside.`,
    "Copy it again from the provider's page. Nothing was added.",
  );
}
