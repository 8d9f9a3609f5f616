import { readFileSync } from "node:fs";

/** What the process itself has open: the terminal, state.db, the watched files. */
const OWN_DESCRIPTORS = 32;

/** Each request has a connection of its client's and one to a provider. */
const PER_REQUEST = 2;

/** With room for no more than this, idle connections of clients would soon keep everyone else out. */
const NARROW = 100;

/** How many requests at a time the system's limit on open files leaves room for; it is looked up once, when needed. */
export class RequestRoom {
  #requests: number | undefined;

  get requests(): number {
    this.#requests ??= roomWithin(openFilesLimit());
    return this.#requests;
  }

  /** Whether connections should not outlive their request. */
  get isNarrow(): boolean {
    return this.requests < NARROW;
  }
}

function roomWithin(openFiles: number): number {
  return Math.max(1, Math.floor((openFiles - OWN_DESCRIPTORS) / PER_REQUEST));
}

/** Bun has raised it as far as it may. Only Linux says what it is; elsewhere it is far above what is used. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
