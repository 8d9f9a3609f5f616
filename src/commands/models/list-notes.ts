import type { LoadedCatalog } from "../../catalog/load-catalog.ts";
import type { LoadedList } from "../../catalog/load-list.ts";
import { formatDuration } from "../../core/duration.ts";
import { leftOutText } from "./left-out-text.ts";
import type { ListedEntry } from "./listed-models.ts";

/** What a person should hear about lists that did not come as they should, and about what limits rest on. */
export function listNotes(loaded: LoadedCatalog, entries: readonly ListedEntry[]): string[] {
  const failed = loaded.lists.flatMap(failureNote);
  const { modelsDevFailure } = loaded;
  const notes =
    modelsDevFailure === undefined
      ? failed
      : [...failed, `models.dev could not be asked: ${modelsDevFailure}.`];
  const leftOut = entries
    .filter((entry) => entry.leftOut.length > 0)
    .map(({ provider, id, leftOut: members, context }) =>
      leftOutText(`${provider}/${id}`, members, context !== undefined),
    );
  return [...notes, ...leftOut];
}

function failureNote({ provider, failure, from, ageMs }: LoadedList): string[] {
  if (failure === undefined) return [];
  const instead =
    from === "cache" && ageMs !== undefined
      ? `this is its list of ${formatDuration(Math.max(0, ageMs))} ago`
      : "this is what is built in or configured";
  return [`${provider} could not be asked for its models: ${failure}; ${instead}.`];
}

/** How a list came about, as `--json` prints it; `failure` is null where nothing failed. */
export function listJson({ provider, from, ageMs, failure, list }: LoadedList) {
  return {
    id: provider,
    from,
    ageSeconds: ageMs === undefined ? null : Math.max(0, Math.round(ageMs / 1000)),
    models: list?.models.length ?? 0,
    failure: failure ?? null,
  };
}
