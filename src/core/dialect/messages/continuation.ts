import { asObject, asText, type JsonObject } from "../../json.ts";
import {
  type Continuation,
  type Continued,
  type MatchState,
  type SentAnswer,
  type SentRecord,
  TextMatch,
} from "../../stream/continuation.ts";
import { sseBytes } from "../../stream/sse.ts";
import type { HubChoice } from "../hub-answer.ts";

interface SentBlock {
  index: number;
  type: string;
}

/** The blocks of an answer that the client has begun to read. */
export class SentBlocks implements SentRecord {
  open: SentBlock | undefined;
  nextIndex: number;
  /** Whether the client has been told that an answer begins. */
  hasBegun: boolean;

  constructor(from?: SentRecord) {
    const before = from instanceof SentBlocks ? from : undefined;
    this.open = before?.open === undefined ? undefined : { ...before.open };
    this.nextIndex = before?.nextIndex ?? 0;
    this.hasBegun = before?.hasBegun ?? false;
  }

  copy(): SentBlocks {
    return new SentBlocks(this);
  }

  note(event: JsonObject): void {
    switch (event["type"]) {
      case "message_start":
        this.hasBegun = true;
        return;
      case "content_block_start": {
        const { index = this.nextIndex } = event;
        const at = typeof index === "number" ? index : this.nextIndex;
        this.open = { index: at, type: asText(asObject(event["content_block"])["type"]) };
        this.nextIndex = Math.max(this.nextIndex, at + 1);
        return;
      }
      case "content_block_stop":
        this.open = undefined;
        return;
    }
  }
}

/**
 * Fits another answer to the blocks that the client has: its text goes on in the open block of text or in a new one, its calls
 * get blocks of their own, and its reasoning is left out.
 */
export class MessagesContinuation implements Continuation {
  readonly #match: TextMatch;
  readonly #sent: SentBlocks;
  /** The types of the new answer's blocks, by their positions in it. */
  readonly #types = new Map<unknown, string>();

  constructor(sent: SentAnswer, takesCalls: boolean) {
    this.#sent = new SentBlocks(sent.record);
    this.#match = new TextMatch(sent, { takesCalls, mayGrow: true });
  }

  get state(): MatchState {
    return this.#match.state;
  }

  get record(): SentBlocks {
    return this.#sent;
  }

  admit(event: JsonObject, bytes: Uint8Array, choice: HubChoice | undefined): Continued {
    const text = choice?.text ?? "";
    if (event["type"] === "content_block_start")
      this.#types.set(event["index"], asText(asObject(event["content_block"])["type"]));
    if (text !== "") {
      const more = this.#match.newIn(text);
      return { bytes: more === "" ? undefined : this.#speak(more), text: more };
    }
    if (choice !== undefined && (choice.calls.length > 0 || choice.hasOther)) this.#match.diverge();
    return { bytes: this.#pass(event, bytes), text: "" };
  }

  #pass(event: JsonObject, bytes: Uint8Array): Uint8Array | undefined {
    const type = event["type"];
    if (type === "message_start") return this.#sent.hasBegun ? undefined : this.#write([event]);
    if (type === "message_delta") return Buffer.concat([this.#write(this.#closing()), bytes]);
    if (type === "message_stop") return bytes;
    if (this.state === "matching" || this.state === "mismatch") return undefined;
    return this.#types.get(event["index"]) === "tool_use" ? this.#passCall(event) : undefined;
  }

  #passCall(event: JsonObject): Uint8Array | undefined {
    if (event["type"] === "content_block_start")
      return this.#write([...this.#closing(), { ...event, index: this.#sent.nextIndex }]);
    const { open } = this.#sent;
    return open?.type === "tool_use" ? this.#write([{ ...event, index: open.index }]) : undefined;
  }

  #speak(text: string): Uint8Array {
    const { open } = this.#sent;
    const isOpen = open?.type === "text";
    const index = isOpen ? open.index : this.#sent.nextIndex;
    const start = { type: "content_block_start", index, content_block: { type: "text", text: "" } };
    const delta = { type: "content_block_delta", index, delta: { type: "text_delta", text } };
    return this.#write(isOpen ? [delta] : [...this.#closing(), start, delta]);
  }

  #closing(): JsonObject[] {
    const { open } = this.#sent;
    return open === undefined ? [] : [{ type: "content_block_stop", index: open.index }];
  }

  #write(events: readonly JsonObject[]): Uint8Array {
    for (const event of events) this.#sent.note(event);
    return Buffer.concat(events.map(sseBytes));
  }
}
