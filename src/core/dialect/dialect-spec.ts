import type { JsonObject } from "../json.ts";
import type { Continuation, SentAnswer, SentRecord } from "../stream/continuation.ts";
import type { WordFields } from "../stream/event-fast-path.ts";
import type { HistoryRules } from "./history.ts";
import type { AnswerNames, AnswerWriter, EventReader, Usage, WireEvent } from "./hub-answer.ts";
import type { HubRequest, RequestTarget } from "./hub-request.ts";
import type { ModelTraits } from "./model-traits.ts";

export interface ErrorWords {
  message: string;
  type: string;
  code: string | null;
}

/** The family of models that wrote reasoning with a signature; undefined if it was not seen. */
export type FamilyOf = (signature: string) => string | undefined;

/** What to do after earlier reasoning was refused: leave all of it out, or put empty reasoning where it is missing. */
export type ReasoningRepair = "without" | "empty";

/** Everything that the rest of the program needs from a dialect. A new dialect is a folder that provides it, and an entry in the registry. */
export interface DialectSpec {
  readonly title: string;
  /** The endpoint, relative to the base URL of a provider. */
  readonly path: string;
  /** The endpoint that counts the tokens of a request, and an estimate for services without one. */
  readonly counting?: { readonly path: string; estimate(body: JsonObject): number };
  /** Whether providers keep answers that a later request may name, unless the request says otherwise. */
  readonly storesAnswers?: true;
  readonly sdk: string;
  /** Headers that its services require, where the client has not sent them. */
  readonly requiredHeaders?: Readonly<Record<string, string>>;
  /** Headers that only its services understand: they are left out of a translated call. */
  readonly ownHeaders?: RegExp;

  /** Adds to `unsaid` what the hub cannot express. */
  readRequest(body: JsonObject, unsaid: string[]): HubRequest;
  /** Adds to `unsaid` what the dialect cannot express. */
  writeRequest(request: HubRequest, unsaid: string[], target?: RequestTarget): JsonObject;
  /** The copy of a request in this dialect for a provider that speaks it, too. Absent: the same bytes. */
  passRequest?(
    body: Uint8Array<ArrayBuffer>,
    traits: ModelTraits,
    familyOf: FamilyOf,
  ): Uint8Array<ArrayBuffer>;
  /** The same request after its reasoning was refused. */
  repairReasoning?(body: Uint8Array<ArrayBuffer>, repair: ReasoningRepair): Uint8Array<ArrayBuffer>;
  /** A request that no provider can be asked, although it can be read. */
  refuseRequest?(body: Uint8Array): ErrorWords | undefined;
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
  /** The status and type of an error that no client of the dialect asks again on; absent: 400 as for any request at fault. */
  readonly lastWord?: { readonly status: number; readonly type: string };
  errorEvent(words: ErrorWords): string;

  /** The event with a finish reason, for an answer whose provider sent the end mark without one. */
  finishEvent?(hasCall: boolean): JsonObject;
  /** Replaces finish reasons, by the position of the choice. Absent if finish reasons need no repair. */
  withFinishes?(event: JsonObject, finishes: ReadonlyMap<number, string>): JsonObject;
  /** The only fields in which consecutive events differ; absent if every event is different. */
  readonly wordFields?: WordFields;
  /** Continues a broken answer. `takesCalls`: whether the calls of a different answer may be used alone. */
  continuation(sent: SentAnswer, takesCalls: boolean): Continuation;
  /** What a continuation needs to know of the sent events besides their text. */
  sentRecord?(before: SentRecord | undefined): SentRecord;
}
