import { statSync } from "node:fs";
import { type CredentialStamp, credentialWatch } from "../../config/opencode-auth.ts";
import { Problem } from "../../core/problem.ts";
import type { Rest } from "../../core/routing/rest.ts";
import type { Settings } from "../../core/settings/settings.ts";
import type { StateStore } from "../../state/state-store.ts";
import { openExistingState } from "../open-existing-state.ts";
import { readAgain, type World } from "../world.ts";
import { askRuns } from "./ask-runs.ts";
import { type StatusSnapshot, snapshotOf, startOfDayMs } from "./snapshot.ts";

/** Where a status comes from: config and keys, read again when their files change, and the state of all runs. */
export class StatusSource {
  /** What went wrong on the way, each told once when the screen is free. */
  readonly troubles: Problem[] = [];
  readonly #rests = new Map<string, Rest>();
  #world: World;
  #store: StateStore | undefined;
  readonly #credentials: () => Promise<CredentialStamp>;
  #filesSeen: string | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#credentials = credentialWatch(world.paths.opencodeDatabase);
  }

  /** What is known now, with at most so many of the last requests. */
  async read(requests: number): Promise<StatusSnapshot> {
    await this.#lookAtFiles();
    this.#store ??= await this.#open();
    const runs = await askRuns(this.#world.paths.runRoot);
    const nowMs = Date.now();
    return snapshotOf({
      world: this.#world,
      runs,
      rests: this.#rests.values(),
      usage: this.#store?.usageSince(startOfDayMs(nowMs)) ?? [],
      benches: this.#store?.benches() ?? [],
      requests: this.#store?.requests({ limit: requests }) ?? [],
      nowMs,
    });
  }

  /** The theme that the settings name now. */
  get theme(): Settings["theme"] {
    return this.#world.settings.theme;
  }

  close(): void {
    this.#store?.close();
  }

  /** A file that is being edited may be wrong for a moment: then what was read before still holds. */
  async #lookAtFiles(): Promise<void> {
    const marks = `${fileMarks(this.#world)} ${(await this.#credentials()).text}`;
    const isFirst = this.#filesSeen === undefined;
    if (marks === this.#filesSeen) return;
    this.#filesSeen = marks;
    if (isFirst) return;
    try {
      this.#world = await readAgain(this.#world);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#note(error);
    }
  }

  async #open(): Promise<StateStore | undefined> {
    const store = await openExistingState(this.#world, (problem) => this.#note(problem));
    for (const rest of store?.rests() ?? []) this.#rests.set(rest.id, rest);
    store?.watch(({ rests, cleared }) => {
      for (const rest of rests) this.#rests.set(rest.id, rest);
      for (const id of cleared) this.#rests.delete(id);
    });
    return store;
  }

  #note(problem: Problem): void {
    if (!this.troubles.some((known) => known.message === problem.message)) this.troubles.push(problem);
  }
}

/** Tells whether one of the files has changed since. */
function fileMarks({ paths }: Pick<World, "paths">): string {
  return [paths.configFile, paths.keysFile, paths.opencodeAuthFile].map(markOf).join(" ");
}

function markOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return "none";
  }
}
