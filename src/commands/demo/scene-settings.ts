import { fingerprint } from "../../core/fingerprint.ts";
import type { Key } from "../../core/key.ts";
import { parseSettings, type Settings } from "../../core/settings/settings.ts";
import type { Scene } from "../../demo/scene.ts";
import type { Upstream } from "../../demo/upstream.ts";

const PROVIDER = "demo";

/** The settings under which a scene is played: its provider, its chains, and no more patience than it needs. */
export function sceneSettings(scene: Scene, upstream: Upstream): Settings {
  const { firstTokenMs, stallMs } = scene.timeouts ?? {};
  const chains = Object.entries(chainsOf(scene)).map(([name, models]) => [name, models.map(refOf)]);
  const parsed = parseSettings({
    routing: {
      ...(firstTokenMs === undefined ? {} : { first_token_timeout: `${firstTokenMs}ms` }),
      ...(stallMs === undefined ? {} : { stall_timeout: `${stallMs}ms` }),
    },
    providers: { [PROVIDER]: { name: "Demo", base_url: upstream.baseUrl, models: [...scene.models] } },
    chains: Object.fromEntries(chains),
  });
  if ("faults" in parsed)
    throw new Error(`the scene ${scene.name} does not fit the settings: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

/** The model that opencode starts with. */
export function sceneModel(scene: Scene): string {
  const [chain] = Object.keys(chainsOf(scene));
  return chain === undefined ? refOf(scene.models[0] ?? "") : `orouter/${chain}`;
}

export function sceneKeys(scene: Scene): Key[] {
  return scene.keys.map(({ name, secret }) => ({
    provider: PROVIDER,
    name,
    secret,
    fingerprint: fingerprint(secret),
    enabled: true,
    source: "embedded",
    from: "the scripted provider",
  }));
}

/** Unless the scene says otherwise its models stand behind each other, in their order. */
function chainsOf({ chains, models }: Scene): Record<string, readonly string[]> {
  return chains ?? (models.length > 1 ? { [PROVIDER]: models } : {});
}

function refOf(model: string): string {
  return `${PROVIDER}/${model}`;
}
