import type { Database } from "bun:sqlite";
import type { RestChange } from "./rest-change.ts";
import { changesAfter } from "./rest-rows.ts";

/** Reads what other writers have added since the last look. */
export class News {
  readonly #writer: string;
  #opening = 0;
  #dataVersion = -1;
  #revision = 0;

  /** `writer` is the one whose own rows are no news. */
  constructor(writer: string) {
    this.#writer = writer;
  }

  /** SQLite's data version moves when another connection has written; while it stands still no table is read. */
  read(db: Database, opening: number): RestChange[] {
    if (opening !== this.#opening) this.#startOver(opening);
    const version = dataVersionOf(db);
    if (version === this.#dataVersion) return [];
    // The version first, the rows after it: what is written in between is read again, never missed.
    const rows = changesAfter(db, this.#revision);
    this.#dataVersion = version;
    this.#revision = rows.at(-1)?.revision ?? this.#revision;
    return rows.filter((row) => row.writer !== this.#writer).map((row) => row.change);
  }

  /** Another file: its versions and revisions have nothing to do with those of the one before. */
  #startOver(opening: number): void {
    this.#opening = opening;
    this.#dataVersion = -1;
    this.#revision = 0;
  }
}

function dataVersionOf(db: Database): number {
  return db.query<{ data_version: number }, []>("PRAGMA data_version").get()?.data_version ?? -1;
}
