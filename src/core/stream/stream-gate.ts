import type { Dialect } from "../routing/route.ts";
import { AlikeEvents } from "./alike-events.ts";
import { withFinish, withText } from "./chat-chunk.ts";
import { repairFinish, type SettleFinish } from "./finish-reason.ts";
import type { GateEnd, GateOptions, GateStep } from "./gate-step.ts";
import { joinBytes } from "./join-bytes.ts";
import { SentText } from "./sent-text.ts";
import { createSseReader, type SseBlock } from "./sse.ts";
import { isMeaningful, type Meaning, meaningOf, type Usage } from "./stream-events.ts";

/** The most that is held back before the first meaningful event; more than that is no head any more. */
const HELD_BYTES = 1024 * 1024;

/** The longest single event that is waited for; a stream without a blank line in it is none. */
const EVENT_BYTES = 16 * 1024 * 1024;
const TOO_LONG = JSON.stringify({ error: { message: "an event of the stream has no end" } });

const DONE = "[DONE]";
const encoder = new TextEncoder();
const DONE_BLOCK = encoder.encode("data: [DONE]\n\n");
const BLANK_LINE = encoder.encode("\n\n");

/** What the gate says when an answer cannot continue the one that broke off: nobody's failure. */
export const MISMATCH = JSON.stringify({ error: { message: "another answer began differently" } });

/** One block's way through: its bytes (or others in their place), nothing, or a failure. */
interface Admitted {
  bytes?: Uint8Array;
  error?: string;
}

/**
 * Holds the head of an answer until something in it means something, then passes bytes as they come. Whole events
 * only: so an error, a broken event or an end that would mislead the client is seen before it is passed on.
 */
export class StreamGate {
  /** Whether anything has been let through. */
  isOpen = false;
  /** Whether the end mark has come: nothing that follows matters. */
  isDone = false;
  /** Tokens, where the provider told them. */
  usage: Usage | undefined;
  /** Events that were no JSON and were left out. */
  dropped = 0;

  readonly #reader = createSseReader();
  readonly #dialect: Dialect;
  readonly #resumes: boolean;
  readonly #settleFinish: SettleFinish;
  readonly #seen = { text: false, reasoning: false, toolCall: false, other: false };
  readonly #text = new SentText();
  readonly #alike = new AlikeEvents();
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #progressed = false;
  #finished = false;
  #toSkip: string;

  constructor(options: GateOptions) {
    this.#dialect = options.dialect;
    this.#toSkip = options.resumeAfter ?? "";
    this.#resumes = this.#toSkip !== "";
    this.#settleFinish = options.settleFinish ?? repairFinish;
  }

  /** Short, since nearly every chunk is one event like the last, and the best of compilers is slow with what is long. */
  push(chunk: Uint8Array): GateStep {
    const bytes = this.#reader.begin(chunk);
    this.#alike.begin(bytes);
    const alike = this.#passAlike(0);
    return alike > 0 && alike === bytes.length ? this.#passWhole(bytes) : this.#passRest(bytes, alike);
  }

  #passWhole(bytes: Uint8Array): GateStep {
    this.#reader.keep(bytes, bytes.length);
    return { pass: bytes, error: undefined, progressed: true };
  }

  /** Looks at each event behind those at the beginning that are alike. */
  #passRest(bytes: Uint8Array, alike: number): GateStep {
    let at = alike;
    this.#progressed = at > 0;
    const out = at > 0 ? [bytes.subarray(0, at)] : [];
    while (!this.isDone) {
      const block = at === bytes.length ? undefined : this.#reader.blockAt(bytes, at);
      if (block === undefined) break;
      const error = this.#admitOrHold(block, out);
      if (error !== undefined) return { pass: this.#flush(out), error, progressed: this.#progressed };
      const from = at + block.bytes.length;
      at = this.#passAlike(from);
      if (at > from) out.push(bytes.subarray(from, at));
      this.#progressed ||= at > from;
    }
    this.#reader.keep(bytes, at);
    const error = this.#reader.rest().length > EVENT_BYTES ? TOO_LONG : undefined;
    return { pass: this.#flush(out), error, progressed: this.#progressed };
  }

  /** Passes a block on, or holds it; says what has failed. */
  #admitOrHold(block: SseBlock, out: Uint8Array[]): string | undefined {
    const { bytes, error } = this.#admit(block);
    // Behind its finish an answer is whole: what fails there fails nobody.
    if (error !== undefined && !this.#finished) return error;
    if (bytes !== undefined && this.isOpen) out.push(bytes);
    else if (bytes !== undefined) this.#hold(bytes);
    return undefined;
  }

  /** Lets events through that say nothing but further words; tells where they end. */
  #passAlike(from: number): number {
    if (this.#finished || this.isDone) return from;
    const end = this.#alike.endFrom(from);
    if (end === from) return from;
    this.#alike.keepText(this.#text, from, end);
    return end;
  }

  /** The upstream has closed the stream in good order; a broken connection is not asked, it is a cut by itself. */
  end(): GateEnd {
    let pass: Uint8Array | undefined;
    if (!this.isDone && this.#reader.rest().length > 0) {
      // The last event may lack its blank line.
      const step = this.push(BLANK_LINE);
      if (step.error !== undefined) return { kind: "cut", why: step.error };
      pass = step.pass;
    }
    if (this.#toSkip !== "") return { kind: "cut", why: MISMATCH };
    if (!this.#finished) {
      return {
        kind: "cut",
        why: this.isOpen ? "the stream ended before its end mark" : "the stream was empty",
      };
    }
    return { kind: "complete", tail: this.#tail(pass) };
  }

  /** Whether the answer is whole, whatever becomes of the connection. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** The visible text so far, and whether that is all the client has seen of the answer. */
  sent(): { text: string; onlyText: boolean } {
    const { reasoning, toolCall, other } = this.#seen;
    return { text: String(this.#text), onlyText: this.#text.isKept && !(reasoning || toolCall || other) };
  }

  #admit(block: SseBlock): Admitted {
    if (block.event === undefined) return { bytes: block.bytes };
    if (block.event.data === DONE) return this.#admitDone(block.bytes);
    const json = parseJson(block.event.data);
    if (json === undefined) {
      this.dropped++;
      return {};
    }
    const meaning = meaningOf(this.#dialect, json);
    if (meaning.error !== undefined) return { error: meaning.error };
    this.#note(meaning);
    if (this.#toSkip !== "") return this.#skip(json, meaning);
    this.#text.add(meaning.text);
    if (isMeaningful(meaning)) this.isOpen = true;
    if (this.isOpen && this.#dialect === "chat") this.#alike.learn(block.bytes, meaning);
    return meaning.finish === undefined
      ? { bytes: block.bytes }
      : this.#admitFinish(block.bytes, json, meaning.finish);
  }

  #note(meaning: Meaning): void {
    this.usage = meaning.usage ?? this.usage;
    // Some keep a connection alive by chunks with nothing in them; the other dialect tells of work in many events.
    this.#progressed ||=
      this.#dialect === "responses" || isMeaningful(meaning) || meaning.finish !== undefined;
    this.#seen.text ||= meaning.text !== "";
    this.#seen.toolCall ||= meaning.hasToolCall;
    this.#seen.other ||= meaning.hasOther;
    // While comparing, reasoning is not passed on, so the client has not seen it.
    this.#seen.reasoning ||= meaning.hasReasoning && this.#toSkip === "";
  }

  #admitFinish(bytes: Uint8Array, json: unknown, reason: string): Admitted {
    if (this.#dialect === "responses") {
      this.#finished = true;
      this.isDone = true;
      return { bytes };
    }
    const finish = this.#settleFinish(reason, this.#seen);
    if (finish.kind === "failed") return { error: JSON.stringify({ error: { message: finish.why } }) };
    this.#finished = true;
    return { bytes: finish.kind === "as-is" ? bytes : withFinish(json, finish.reason) };
  }

  #admitDone(bytes: Uint8Array): Admitted {
    if (this.#toSkip !== "") return { error: MISMATCH };
    this.isDone = true;
    // Nothing said, or no word of why it ended: a cut, and the mark must not make it look like an answer.
    return this.#finished ? { bytes } : {};
  }

  /** Compares the answer with what the client has; only where both are the same to the letter does it go on. */
  #skip(json: unknown, meaning: Meaning): Admitted {
    const shared = meaning.text.slice(0, this.#toSkip.length);
    if (meaning.hasToolCall || meaning.hasOther || !this.#toSkip.startsWith(shared))
      return { error: MISMATCH };
    this.#toSkip = this.#toSkip.slice(shared.length);
    this.#text.add(meaning.text);
    if (this.#toSkip !== "") return meaning.finish === undefined ? {} : { error: MISMATCH };
    this.isOpen = true;
    const rest = meaning.text.slice(shared.length);
    if (rest === "" && meaning.finish === undefined) return {};
    const bytes = withText(json, rest);
    return meaning.finish === undefined ? { bytes } : this.#admitFinish(bytes, json, meaning.finish);
  }

  #hold(bytes: Uint8Array): void {
    // What precedes the point of resumption belongs to an answer whose head has long been sent.
    if (this.#resumes) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > HELD_BYTES) this.isOpen = true;
  }

  #flush(out: Uint8Array[]): Uint8Array | undefined {
    if (!this.isOpen) return undefined;
    const all = this.#held.length === 0 ? out : [...this.#held.splice(0), ...out];
    return all.length === 0 ? undefined : joinBytes(all);
  }

  /** A finish without a word is an answer too, if an empty one: what was held goes out as it came. */
  #tail(pass: Uint8Array | undefined): Uint8Array | undefined {
    this.isOpen = true;
    const parts = this.#held.splice(0);
    if (pass !== undefined) parts.push(pass);
    if (this.#dialect === "chat" && !this.isDone) parts.push(DONE_BLOCK);
    return parts.length === 0 ? undefined : joinBytes(parts);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
