import { EventForm } from "./event-form.ts";
import { latin1 } from "./latin1.ts";
import type { SentText } from "./sent-text.ts";

/** What is left of an event that is longer than this is not compared again and again as it grows. */
const FORM_BYTES = 1024 * 1024;

/** Events in the middle of an answer before the form of one is taken: short answers do not pay for it. */
const UNTIL_LEARNT = 3;

/** Forms that fitted no second event before no more are looked for: this provider's events are all different. */
const FORMS_IN_VAIN = 8;

/** An event that was parsed: its words, and where the words of further ones like it belong. */
export interface LearntEvent {
  text: string;
  argumentText: string;
  /** Undefined where words of this sort are not kept. */
  keepIn: SentText | undefined;
}

/** The events of one answer that need not be parsed, since they differ from one that was in nothing but their words. */
export class AlikeEvents {
  #form: EventForm | undefined;
  #keepIn: SentText | undefined;
  #inVain = -UNTIL_LEARNT;
  #stream: string | undefined;

  /** The bytes that the next places are places in. */
  begin(bytes: Uint8Array): void {
    this.#stream = this.#form === undefined || bytes.length > FORM_BYTES ? undefined : latin1(bytes);
  }

  /** How far from a place on events of the known form follow each other. */
  endFrom(at: number): number {
    if (this.#form === undefined || this.#stream === undefined) return at;
    const end = this.#form.endFrom(this.#stream, at);
    if (end > at) this.#inVain = 0;
    return end;
  }

  /** Their words go to the rest of the text that they belong to. */
  keepWords(from: number, end: number): void {
    if (this.#form === undefined || this.#stream === undefined) return;
    this.#keepIn?.addEvents(this.#form, this.#stream.slice(from, end));
  }

  /** Takes the form of an event in the middle of an answer. */
  learn(bytes: Uint8Array, event: LearntEvent): void {
    if (this.#inVain > FORMS_IN_VAIN) return;
    this.#inVain++;
    const form = this.#inVain > 0 ? EventForm.of(bytes, event) : undefined;
    if (form === undefined) return;
    this.#form = form;
    this.#keepIn = event.keepIn;
  }

  /** Nothing is alike any more: from here on each event is parsed. */
  forget(): void {
    this.#form = undefined;
  }
}
