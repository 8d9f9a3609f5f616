import { mkdirSync, symlinkSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { findPreset } from "../../src/core/settings/presets.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { opencodeBinary, orouterBinary } from "../e2e/binary.ts";
import { e2eMachine } from "../e2e/machine.ts";
import { startCatalogue } from "./catalogue.ts";
import { hello, keySecret, type Stage } from "./stages.ts";

/** A temporary machine that runs the samples of a page: the compiled orouter, the real opencode, scripted providers. */
export async function sampleMachine(stage: Stage) {
  const machine = e2eMachine();
  const upstreams = await startProviders(stage);
  const catalogue = startCatalogue(Object.entries(stage.providers));
  mkdirSync(machine.folder.in("bin"));
  symlinkSync(orouterBinary(), machine.folder.in("bin/orouter"));
  symlinkSync(opencodeBinary(), machine.folder.in("bin/opencode"));
  const env: Record<string, string> = {
    PATH: `${machine.folder.in("bin")}:${process.env["PATH"] ?? ""}`,
    TZ: morningZone(new Date()),
    ...stage.env,
  };
  const addresses = [...upstreams].map(([id, { baseUrl }]) => {
    return { id, url: baseUrl, needsKey: (stage.providers[id]?.keys.length ?? 0) > 0 };
  });
  const configure = (text: string): void => {
    const config = `${withAddresses(text, addresses)}\n[models_dev]\nurl = "${catalogue.url}api.json"\n`;
    machine.write("home/.config/orouter/config.toml", config);
  };
  configure(stage.config ?? "");
  const keys = keysToml(stage);
  if (keys !== "") machine.write("home/.config/orouter/keys.toml", keys);
  for (const [path, text] of Object.entries(stage.files ?? {})) machine.write(path, text);
  /** Replaces temporary paths and addresses by those on the pages. */
  const readable = (text: string): string => {
    let plain = stripVTControlCharacters(text).replaceAll(machine.home, "~");
    for (const { id, url } of addresses) plain = plain.replaceAll(url, pageAddress(id, stage));
    return plain.replaceAll(machine.folder.path, "");
  };
  return {
    configure,
    /** Runs commands in one shell and returns what each prints, stdout and stderr as a terminal shows them. */
    type: async (lines: readonly string[]): Promise<string[]> => {
      const script = ["exec 2>&1", ...lines.map((line) => `${line}\nprintf '${END}'`)].join("\n");
      const run = await machine.run(["bash", "-c", script], { env });
      return run.stdout.split(END).slice(0, -1).map(readable);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.stop()));
      await catalogue.stop(true);
      machine[Symbol.dispose]();
    },
  };
}

/** Separates the outputs of commands; no program prints it. */
const END = "\u001e";

/** A time zone in which it is morning now, so that cooldowns of some hours end today, as on the pages. */
function morningZone(now: Date): string {
  const east = ((8 - now.getUTCHours() + 35) % 24) - 11;
  return `Etc/GMT${east > 0 ? "-" : "+"}${Math.abs(east)}`;
}

/** The address of a provider on the pages. */
function pageAddress(id: string, { providers }: Stage): string {
  return providers[id]?.address ?? findPreset(id)?.baseUrl ?? id;
}

async function startProviders({ providers }: Stage): Promise<Map<string, Upstream>> {
  const started = Object.entries(providers).map(async ([id, { keys, models, reply }]) => {
    const scene = {
      name: id,
      title: "",
      about: "",
      keys: keys.map((name) => ({ name, secret: keySecret(id, name) })),
      models: [...models],
      reply: (call: Parameters<typeof hello>[0]) => reply?.(call) ?? hello(call),
    };
    return [id, await startUpstream(scene)] as const;
  });
  return new Map(await Promise.all(started));
}

function keysToml({ providers, keysOf = Object.keys(providers) }: Stage): string {
  const tables = keysOf.flatMap((provider) =>
    (providers[provider]?.keys ?? []).map(
      (name) =>
        `[[keys]]\nprovider = "${provider}"\nname = "${name}"\nvalue = "${keySecret(provider, name)}"\n`,
    ),
  );
  return tables.join("\n");
}

interface Address {
  id: string;
  url: string;
  /** A provider without keys exists only if the page's own configuration has it. */
  needsKey: boolean;
}

/** The configuration with the addresses of the scripted providers. */
export function withAddresses(text: string, addresses: readonly Address[]): string {
  const lines = text.split("\n").filter((line) => !line.startsWith("base_url ="));
  for (const { id, url, needsKey } of addresses) {
    const own = `base_url = "${url}"`;
    const at = lines.findIndex((line) => line.startsWith(`[providers.${id}]`));
    if (at >= 0) lines.splice(at + 1, 0, own);
    else if (needsKey) lines.push(`[providers.${id}]`, own);
  }
  return lines.join("\n");
}
