import type { DialectSpec } from "../dialect/dialect-spec.ts";
import {
  type Finish,
  type HubChoice,
  type HubEvent,
  repairFinish,
  type SettleFinish,
} from "../dialect/hub-answer.ts";
import { type Dialect, dialectSpec } from "../dialect/registry.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { sseBytes } from "./sse.ts";

interface Choice {
  text: boolean;
  toolCall: boolean;
  reasoning: boolean;
  /** Any other content except reasoning. */
  other: boolean;
  /** As the client receives it. */
  finish: string | undefined;
}

/** An event with the finish reasons for the client. */
export type Settled =
  | { kind: "settled"; event: JsonObject; bytes: Uint8Array; isEnd: boolean }
  | { kind: "failed"; why: string };

const AS_IS: Finish = { kind: "as-is" };

/** Tracks the answers in one stream: each has its own content and end. */
export class ChoiceBook {
  readonly #settle: SettleFinish;
  readonly #withFinishes: DialectSpec["withFinishes"];
  readonly #choices = new Map<number, Choice>();

  constructor({ withFinishes }: DialectSpec, settle: SettleFinish) {
    this.#withFinishes = withFinishes;
    // If finish reasons cannot be rewritten, the end is an event of its own.
    this.#settle = withFinishes === undefined ? () => AS_IS : settle;
  }

  /** Returns the event with finish reasons that the client understands. */
  note(event: JsonObject, { choices }: HubEvent, bytes: Uint8Array): Settled {
    const finishes = new Map<number, string>();
    for (const [at, said] of choices.entries()) {
      const choice = this.#choiceOf(said);
      if (said.finish === undefined || choice.finish !== undefined) continue;
      const finish = this.#settle(said.finish, choice);
      if (finish.kind === "failed") return finish;
      choice.finish = finish.kind === "rewrite" ? finish.reason : said.finish;
      finishes.set(at, choice.finish);
    }
    const isRewritten = [...finishes].some(([at, reason]) => choices[at]?.finish !== reason);
    const settled = isRewritten ? this.#withFinishes?.(event, finishes) : undefined;
    if (settled === undefined) return { kind: "settled", event, bytes, isEnd: finishes.size > 0 };
    return { kind: "settled", event: settled, bytes: sseBytes(settled), isEnd: true };
  }

  /** Whether every answer that has begun is finished, and there are this many. */
  areFinished(wanted: number): boolean {
    const all = [...this.#choices.values()];
    return all.length >= Math.max(1, wanted) && all.every((choice) => choice.finish !== undefined);
  }

  get hasText(): boolean {
    return this.#choices.get(0)?.text === true;
  }

  /** True if the only answer ended well without anything to show or run. A refusal is something to show. */
  get isHollow(): boolean {
    const [only, ...others] = this.#choices.values();
    if (only === undefined || others.length > 0) return false;
    return !(only.text || only.toolCall || only.other || only.finish === "content_filter");
  }

  /** The message about a hollow answer. */
  get hollowWords(): string {
    const [only] = this.#choices.values();
    const what = only?.reasoning === true ? "thoughts and no answer" : "no text and no tool call";
    return only?.finish === "length"
      ? `the answer reached its token limit with ${what}`
      : `the answer has ${what}`;
  }

  /** Whether the provider's filter ended the answer. */
  get isFiltered(): boolean {
    return [...this.#choices.values()].some((choice) => choice.finish === "content_filter");
  }

  #choiceOf(said: HubChoice): Choice {
    const choice = this.#choices.get(said.index) ?? {
      text: false,
      toolCall: false,
      reasoning: false,
      other: false,
      finish: undefined,
    };
    this.#choices.set(said.index, choice);
    choice.text ||= said.text.trim() !== "";
    choice.toolCall ||= said.calls.length > 0;
    choice.reasoning ||= said.hasReasoning;
    choice.other ||= said.hasOther || said.hasContent;
    return choice;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Most complete answers match, so they need no parsing. */
const PLAINLY_SAID =
  /"content"\s*:\s*"[^"\\]*[^"\\\s]|"tool_calls"\s*:\s*\[\s*\{|"type"\s*:\s*"function_call"/;

/** Why a complete body is hollow; undefined if it is not, or is not an answer. */
export function hollowBody(dialect: Dialect, body: string): string | undefined {
  if (PLAINLY_SAID.test(body)) return undefined;
  const answer = parseJson(body);
  if (!isObject(answer)) return undefined;
  const spec = dialectSpec(dialect);
  const book = new ChoiceBook(spec, repairFinish);
  const reader = spec.reader();
  for (const event of spec.eventsOf(answer) ?? []) book.note(event, reader.read(event), NO_BYTES);
  return book.isHollow ? book.hollowWords : undefined;
}
