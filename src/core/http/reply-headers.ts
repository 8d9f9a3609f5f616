/** What is used of the headers of a reply, whoever has read them. */
export type ReplyHeaders = Pick<Headers, "get" | "has" | "toJSON"> & Iterable<[string, string]>;

/** The fields of a head that we have read ourselves, by their names in small letters; `Headers` costs several times as much. */
export class HeaderFields implements ReplyHeaders {
  readonly #fields: Readonly<Record<string, string>>;

  constructor(fields: Readonly<Record<string, string>>) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    return this.#fields[name] ?? null;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  toJSON(): Record<string, string> {
    return this.#fields;
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return Object.entries(this.#fields)[Symbol.iterator]();
  }
}
