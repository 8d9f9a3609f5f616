import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Profile } from "./profiles.ts";

const ROOT = join(import.meta.dir, "../..");

export type AgentName = "opencode1" | "opencode2";

/** An agent as it can be started here. */
export interface Agent {
  name: AgentName;
  binary: string;
}

/** Where the agent is, or why it cannot be run here. */
export function findAgent(name: AgentName): Agent | { missing: string } {
  if (name === "opencode1") return { name, binary: join(ROOT, "node_modules/.bin/opencode") };
  const binary = process.env["OROUTER_TEST_OPENCODE2"];
  if (binary === undefined) return { missing: "OROUTER_TEST_OPENCODE2 does not name an opencode 2 binary" };
  if (!existsSync(binary))
    return { missing: `There is no file at ${binary}, which OROUTER_TEST_OPENCODE2 names` };
  return { name, binary };
}

/** The folders of one session: nothing of it lies anywhere else. */
export interface SessionFolder {
  root: string;
  home: string;
  project: string;
  runtime: string;
  env: Record<string, string>;
}

/** Makes the folder of a session, with an agent's home that has been started once before. */
export function sessionFolder(root: string, template: string | undefined, agent: Agent): SessionFolder {
  rmSync(root, { recursive: true, force: true });
  const [home, project, runtime] = [join(root, "home"), join(root, "project"), join(root, "runtime")];
  for (const path of [root, project, runtime]) mkdirSync(path, { recursive: true, mode: 0o700 });
  if (template === undefined) mkdirSync(home, { mode: 0o700 });
  else cpSync(template, home, { recursive: true });
  return {
    root,
    home,
    project,
    runtime,
    env: {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      XDG_RUNTIME_DIR: runtime,
      TMPDIR: runtime,
      TERM: "xterm-256color",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OROUTER_OPENCODE: agent.binary,
    },
  };
}

/** What a session runs, and what it asks for. */
export interface Start {
  command: string[];
  env: Record<string, string>;
}

const CONTEXT = 200_000;
/** Larger than the agents' own prompts, so that they do not shorten a conversation by themselves. */
export const SMALL_CONTEXT = 64_000;
const OUTPUT = 4_000;

export function modelNames(profile: Profile): string[] {
  return Array.from({ length: profile.models }, (_, nth) => `model-${nth + 1}`);
}

/** The provider's id, of which there is one for each dialect. */
function providerOf(profile: Profile, model: number): string {
  return `relay-${profile.dialects[model % profile.dialects.length] ?? "chat"}`;
}

/** Writes the configuration of orouter into a home: the keys, the models, one chain of them all. */
export function writeOrouterConfig(home: string, profile: Profile, baseUrl: string): void {
  const models = modelNames(profile).map((name, nth) => `${providerOf(profile, nth)}/${name}`);
  const providers = [...new Set(profile.dialects)].map((dialect) => {
    const own = models
      .filter((id) => id.startsWith(`relay-${dialect}/`))
      .map((id) => `"${id.split("/")[1]}"`);
    return `[providers.relay-${dialect}]\nbase_url = "${baseUrl}"\napi = "${dialect}"\nmodels = [${own.join(", ")}]\n`;
  });
  const windows = models.map((id, nth) => {
    const context = nth === 0 && profile.smallFirstModel ? SMALL_CONTEXT : CONTEXT;
    return `[[models]]\nid = "${id}"\ncontext = ${context}\noutput = ${OUTPUT}\n`;
  });
  const config = [
    "[models_dev]\nenabled = false\n",
    // Short silences, so that a session with many of them does not take all day. Everything else is as it is shipped.
    '[routing]\nfirst_token_timeout = "2s"\nstall_timeout = "2s"\n',
    ...providers,
    ...windows,
    `[chains]\nwork = [${models.map((id) => `"${id}"`).join(", ")}]\n`,
  ];
  const keys = [...new Set(profile.dialects)].flatMap((dialect) =>
    Array.from(
      { length: profile.keys },
      (_, nth) =>
        `[[keys]]\nprovider = "relay-${dialect}"\nname = "key-${nth + 1}"\nvalue = "${secretOf(nth, dialect)}"\n`,
    ),
  );
  writePrivate(join(home, ".config/orouter/config.toml"), config.join("\n"));
  writePrivate(join(home, ".config/orouter/keys.toml"), keys.join("\n"));
}

/** One key has the same secret at every provider, because every provider is the same one. */
export function secretOf(nth: number, dialect: string): string {
  return `chaos-key-${nth + 1}-of-${dialect}-0123456789`;
}

function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text);
  chmodSync(path, 0o600);
}

/** The model to ask for: the chain of all models, or the only one. */
export function modelFor(profile: Profile): string {
  return profile.models > 1 ? "orouter/work" : `${providerOf(profile, 0)}/model-1`;
}

/** The agent behind orouter. */
export function startBehind(orouter: string, profile: Profile, prompt: string): Start {
  return { command: [orouter, "opencode", "run", "-m", modelFor(profile), prompt], env: {} };
}

/** A plugin of the agent that turns keys by itself, as the provider of this id. */
export interface KeyPlugin {
  provider: string;
  file: string;
}

/** What runs in place of orouter. */
export interface Alone {
  agent: Agent;
  profile: Profile;
  baseUrl: string;
  prompt: string;
  plugin: KeyPlugin | undefined;
}

/** The agent alone with the first model and the first key, or with a plugin that is given all keys. */
export function startAlone({ agent, profile, baseUrl, prompt, plugin }: Alone, home: string): Start {
  const dialect = profile.dialects[0] ?? "chat";
  const id = plugin?.provider ?? "relay";
  const config = {
    $schema: "https://opencode.ai/config.json",
    ...(plugin === undefined ? {} : { plugin: [`file://${plugin.file}`] }),
    provider: {
      [id]: {
        npm: dialect === "chat" ? "@ai-sdk/openai-compatible" : "@ai-sdk/openai",
        name: "relay",
        options: { baseURL: baseUrl, apiKey: secretOf(0, dialect) },
        models: {
          "model-1": { name: "model-1", tool_call: true, limit: { context: CONTEXT, output: OUTPUT } },
        },
      },
    },
  };
  const keys =
    plugin === undefined ? [] : Array.from({ length: profile.keys }, (_, nth) => secretOf(nth, dialect));
  const keyEnv = Object.fromEntries(keys.map((key, nth) => [`OLLAMA_API_KEY_${nth + 1}`, key]));
  if (plugin !== undefined)
    writePrivate(
      join(home, ".local/share/opencode/auth.json"),
      JSON.stringify({ [id]: { type: "api", key: secretOf(0, dialect) } }),
    );
  const standalone = agent.name === "opencode2" ? ["--standalone"] : [];
  return {
    command: [agent.binary, "run", ...standalone, "-m", `${id}/model-1`, prompt],
    env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config), ...keyEnv },
  };
}
