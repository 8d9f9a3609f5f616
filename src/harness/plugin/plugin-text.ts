import { bundlePlugin } from "./bundle-plugin.ts" with { type: "macro" };

/** Each plugin as one file of plain JavaScript. The server part serves both versions. */
export const PLUGIN_TEXT = {
  tui1: bundlePlugin("tui1"),
  tui2: bundlePlugin("tui2"),
  server: bundlePlugin("server"),
};
