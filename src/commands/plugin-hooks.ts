import type { Paths } from "../config/paths.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { ControlHooks } from "../proxy/control.ts";
import type { State } from "./state.ts";

/** What people may do from within opencode, and how the state gets there once it is open. */
export interface PluginHooks {
  hooks: ControlHooks;
  onState: (state: Pick<State, "ledger">) => void;
}

export interface PluginHooksOptions {
  paths: Pick<Paths, "configFile">;
  settings: Settings;
  /** Told when the plugin begins to listen. */
  onListener: () => void;
}

/** Joins the proxy's API to the user's files: chains are moved where they are written down, benchmarks read where they are kept. */
export function pluginHooks({ paths, settings, onListener }: PluginHooksOptions): PluginHooks {
  let benches: ControlHooks["benches"];
  return {
    hooks: {
      benches: () => benches?.() ?? [],
      moveInChain: async (chain, asked, move) => {
        const { moveInChain } = await import("../config/edit-chains.ts");
        return (await moveInChain(paths, { chain, asked }, move)).models;
      },
      onListener,
      givesKeys: settings.opencode.shellKeys,
    },
    onState: ({ ledger }) => {
      benches = () => ledger.benches();
    },
  };
}
