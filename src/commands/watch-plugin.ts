import type { Settings } from "../core/settings/settings.ts";
import { isPure } from "../opencode/place-plugins.ts";
import { writePluginMark } from "../opencode/plugin-mark.ts";
import type { Router } from "../proxy/router.ts";

/** Commands of opencode that ask models and show no interface: the plugin has no place there. */
const WITHOUT_INTERFACE = new Set(["run", "serve", "web", "acp", "models", "debug", "agent", "github", "pr"]);

export interface PluginWatchOptions {
  settings: Settings;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cacheDir: string;
}

/** Sees whether the plugin of this run is at work. */
export interface PluginWatch {
  /** Somebody listens to the proxy's events. */
  heard: () => void;
  follow: (router: Router) => void;
  /** Once opencode has ended: keeps for `doctor` what was found out. */
  settle: () => void;
}

/** A prompt that was answered with no plugin listening means that opencode has not taken it. */
export function watchPlugin({ settings, args, env, cacheDir }: PluginWatchOptions): PluginWatch {
  let isHeard = false;
  let isAsked = false;
  const hasInterface = process.stdout.isTTY && !WITHOUT_INTERFACE.has(args[0] ?? "");
  const isExpected = hasInterface && settings.opencode.plugin && !isPure(args, env);
  return {
    heard: () => {
      isHeard = true;
    },
    follow: (router) => {
      router.subscribe(({ kind }) => {
        isAsked ||= kind === "finished";
      });
    },
    settle: () => {
      if (!isExpected || !(isHeard || isAsked)) return;
      writePluginMark(cacheDir, isHeard ? undefined : Date.now());
    },
  };
}
