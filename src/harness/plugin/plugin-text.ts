import { bundlePlugin } from "./bundle-plugin.ts" with { type: "macro" };

/** The plugins as opencode loads them, each one file of plain JavaScript. */
export const PLUGIN_TEXT = { tui: bundlePlugin("tui"), server: bundlePlugin("server") };
