import manifest from "../../package.json" with { type: "json" };

/** Set by the build script; absent when run from source. */
declare const OROUTER_COMMIT: string | undefined;

export const VERSION = manifest.version;

/** `0.1.0 (a1b2c3d)`, or `0.1.0 (source)` when not built. */
export const VERSION_TEXT = `${VERSION} (${typeof OROUTER_COMMIT === "string" ? OROUTER_COMMIT : "source"})`;
