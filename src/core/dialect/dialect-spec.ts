import type { JsonObject } from "../json.ts";
import type { Continuation, SentAnswer, SentRecord } from "../stream/continuation.ts";
import type { WordFields } from "../stream/event-fast-path.ts";
import type { HistoryRules } from "./history.ts";
import type { AnswerNames, AnswerWriter, EventReader, Usage, WireEvent } from "./hub-answer.ts";
import type { HubRequest } from "./hub-request.ts";

export interface ErrorWords {
  message: string;
  type: string;
  code: string | null;
}

/** Everything that the rest of the program needs from a dialect. A new dialect is a folder that provides it, and an entry in the registry. */
export interface DialectSpec {
  readonly title: string;
  /** The endpoint, relative to the base URL of a provider. */
  readonly path: string;
  /** Whether providers keep answers that a later request may name, unless the request says otherwise. */
  readonly storesAnswers?: true;
  /** The AI SDK package that speaks it. */
  readonly sdk: string;
  authHeader(secret: string): readonly [name: string, value: string];

  /** Adds to `unsaid` what the hub cannot express. */
  readRequest(body: JsonObject, unsaid: string[]): HubRequest;
  /** Adds to `unsaid` what the dialect cannot express. */
  writeRequest(request: HubRequest, unsaid: string[]): JsonObject;
  /** The fields with the maximum of output tokens. */
  readonly outputLimits: readonly string[];
  /** The smallest maximum that services accept. */
  readonly leastOutput: number;
  readonly history: HistoryRules;

  reader(): EventReader;
  writer(names: AnswerNames): AnswerWriter;
  /** The event that ends a stream after its finish; undefined if the finish is the last event. */
  readonly endEvent: string | undefined;
  /** The events of a complete answer, without the end event; undefined if it is not a finished answer. */
  eventsOf(answer: JsonObject): JsonObject[] | undefined;
  /** The complete answer for the events of a writer. */
  wholeOf(events: readonly WireEvent[]): JsonObject | undefined;
  usageOf(usage: unknown): Usage | undefined;

  errorBody(words: ErrorWords): object;
  errorEvent(words: ErrorWords): string;

  /** Replaces finish reasons, by the position of the choice. Absent if finish reasons need no repair. */
  withFinishes?(event: JsonObject, finishes: ReadonlyMap<number, string>): JsonObject;
  /** The only fields in which consecutive events differ; absent if every event is different. */
  readonly wordFields?: WordFields;
  /** Continues a broken answer. `takesCalls`: whether the calls of a different answer may be used alone. */
  continuation(sent: SentAnswer, takesCalls: boolean): Continuation;
  /** What a continuation needs to know of the sent events besides their text. */
  sentRecord?(before: SentRecord | undefined): SentRecord;
}
