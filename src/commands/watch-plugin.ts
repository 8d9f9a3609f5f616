import { writePluginMark } from "../harness/opencode/plugin-mark.ts";
import type { Router } from "../proxy/router.ts";

export interface PluginWatchOptions {
  /** Whether the agent shows its interface, with our plugin in it. */
  isShown: boolean;
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
export function watchPlugin({ isShown, cacheDir }: PluginWatchOptions): PluginWatch {
  let isHeard = false;
  let isAsked = false;
  const isExpected = process.stdout.isTTY && isShown;
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
