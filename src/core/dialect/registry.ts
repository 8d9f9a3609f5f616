import { chat } from "./chat/chat.ts";
import type { DialectSpec } from "./dialect-spec.ts";
import { responses } from "./responses/responses.ts";

/** The dialects, the one that most services speak first. */
const DIALECTS = { chat, responses } as const satisfies Record<string, DialectSpec>;

/** The dialects whose body names a model and whose stream we can look into. */
export type Dialect = keyof typeof DIALECTS;

/** Spoken where nothing says otherwise. */
export const DEFAULT_DIALECT: Dialect = "chat";

export const DIALECT_NAMES = Object.keys(DIALECTS) as Dialect[];

export function dialectSpec(dialect: Dialect): DialectSpec {
  return DIALECTS[dialect];
}

/** The dialect of that name; undefined where there is none. */
export function dialectNamed(name: string | undefined): Dialect | undefined {
  return DIALECT_NAMES.find((dialect) => dialect === name);
}

/** The dialect of an endpoint; undefined for one that is passed on unread. */
export function dialectAt(path: string): Dialect | undefined {
  return DIALECT_NAMES.find((dialect) => DIALECTS[dialect].path === path);
}
