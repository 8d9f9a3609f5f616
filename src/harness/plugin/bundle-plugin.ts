import { join } from "node:path";

/**
 * A macro: it runs when the program that imports it is built (or, from source, when that file is loaded) and returns
 * the plugin's text. opencode 1 rewrites imports of its own packages by a pattern that needs the blank in `from
 * "solid-js"`, so whitespace stays; a second copy of those packages would not work, so they are not bundled.
 */
export function bundlePlugin(name: "tui1" | "tui2" | "server"): string {
  const command = ["build", join(import.meta.dir, `${name}.ts`), "--target=node", "--format=esm"];
  const minify = ["--minify-syntax", "--minify-identifiers"];
  const external = ["--external=solid-js", "--external=@opentui/solid"];
  // Bun's own bundler would deadlock within a macro.
  const run = Bun.spawnSync([process.execPath, ...command, ...minify, ...external]);
  if (run.exitCode !== 0) throw new Error(`bundling the plugin ${name} failed: ${run.stderr.toString()}`);
  return run.stdout.toString();
}
