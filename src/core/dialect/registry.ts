import type { JsonObject } from "../json.ts";
import { chat } from "./chat/chat.ts";
import type { DialectSpec } from "./dialect-spec.ts";
import { messages } from "./messages/messages.ts";
import { responses } from "./responses/responses.ts";

/** In order of preference: a model is asked in the first dialect that it has. */
const DIALECTS = { chat, responses, messages } as const satisfies Record<string, DialectSpec>;

/** A dialect whose requests orouter routes and whose answers it reads. */
export type Dialect = keyof typeof DIALECTS;

export const DEFAULT_DIALECT: Dialect = "chat";

export const DIALECT_NAMES = Object.keys(DIALECTS) as Dialect[];

export function dialectSpec(dialect: Dialect): DialectSpec {
  return DIALECTS[dialect];
}

export function dialectNamed(name: string | undefined): Dialect | undefined {
  return DIALECT_NAMES.find((dialect) => dialect === name);
}

/** The dialect of an endpoint; undefined if the endpoint is passed through unread. */
export function dialectAt(path: string): Dialect | undefined {
  return DIALECT_NAMES.find((dialect) => DIALECTS[dialect].path === path);
}

/** How the tokens of a request in a dialect are counted. */
export interface Counting {
  dialect: Dialect;
  estimate: (body: JsonObject) => number;
}

/** The counting of an endpoint; undefined if the endpoint does not count. */
export function countingAt(path: string): Counting | undefined {
  for (const dialect of DIALECT_NAMES) {
    const { counting }: DialectSpec = DIALECTS[dialect];
    if (counting?.path === path) return { dialect, estimate: (body) => counting.estimate(body) };
  }
  return undefined;
}
