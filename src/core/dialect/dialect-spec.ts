import type { JsonObject } from "../json.ts";
import type { Continuation, SentAnswer, SentRecord } from "../stream/continuation.ts";
import type { WordFields } from "../stream/event-fast-path.ts";
import type { HistoryRules } from "./history.ts";
import type { AnswerNames, AnswerWriter, EventReader, Usage, WireEvent } from "./hub-answer.ts";
import type { HubRequest } from "./hub-request.ts";

/** An error in a provider's usual terms. */
export interface ErrorWords {
  message: string;
  type: string;
  code: string | null;
}

/** All that the rest of the program knows of a dialect. A new one is a folder that has these, and a line in the registry. */
export interface DialectSpec {
  /** As a person reads it. */
  readonly title: string;
  /** The endpoint below a provider's base URL. */
  readonly path: string;
  /** The AI SDK package that speaks it. */
  readonly sdk: string;
  /** The header that carries a key. */
  authHeader(secret: string): readonly [name: string, value: string];

  /** `unsaid` takes what the hub has no words for. */
  readRequest(body: JsonObject, unsaid: string[]): HubRequest;
  /** `unsaid` takes what the dialect has no words for. */
  writeRequest(request: HubRequest, unsaid: string[]): JsonObject;
  /** The fields that bound an answer. */
  readonly outputLimits: readonly string[];
  /** Services refuse to write fewer tokens than this. */
  readonly leastOutput: number;
  readonly history: HistoryRules;

  reader(): EventReader;
  writer(names: AnswerNames): AnswerWriter;
  /** The event behind the finish that ends a stream; undefined where the finish is the end. */
  readonly endEvent: string | undefined;
  /** A whole answer as the events of a stream, without the end event; undefined for anything but a finished answer. */
  eventsOf(answer: JsonObject): JsonObject[] | undefined;
  /** The events of a writer as a whole answer. */
  wholeOf(events: readonly WireEvent[]): JsonObject | undefined;
  usageOf(usage: unknown): Usage | undefined;

  errorBody(words: ErrorWords): object;
  /** The event of an error in the middle of a stream. */
  errorEvent(words: ErrorWords): string;

  /** The event with other finish reasons, by the place of the choice. Absent where an end says by itself what it is. */
  withFinishes?(event: JsonObject, finishes: ReadonlyMap<number, string>): JsonObject;
  /** Where the words stand in events that are the same otherwise; absent where every event differs. */
  readonly wordFields?: WordFields;
  /** How to go on from what was sent. `takesCalls`: whether the calls alone of another answer are of use. */
  continuation(sent: SentAnswer, takesCalls: boolean): Continuation;
  /** What to keep of the events that go to the client, beyond their text, to be able to go on from them. */
  sentRecord?(before: SentRecord | undefined): SentRecord;
}
