import { isInRunFolder } from "./run-folders.ts";

/** The file that the user's own OPENCODE_CONFIG names; one of a run of ours around this one is not theirs. */
export function ownConfig(
  env: Readonly<Record<string, string | undefined>>,
  runRoot: string,
): string | undefined {
  const named = env["OPENCODE_CONFIG"];
  return named === undefined || named === "" || isInRunFolder(runRoot, named) ? undefined : named;
}
