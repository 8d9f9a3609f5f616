import { EventForm, latin1 } from "./event-form.ts";
import type { Meaning } from "./stream-events.ts";

/** What is left of an event that is longer than this is not compared again and again as it grows. */
const FORM_BYTES = 1024 * 1024;

/** Events in the middle of an answer before the form of one is taken: short answers do not pay for it. */
const UNTIL_LEARNT = 3;

/** Forms that fitted no second event before no more are looked for: this provider's events are all different. */
const FORMS_IN_VAIN = 8;

/** Events found to be alike. */
export interface Alike {
  /** Where they end. */
  end: number;
  /** The one that they are like. */
  model: unknown;
  /** Their visible text, read only when it is asked for. */
  text: () => string;
  /** No shorter than their text. */
  chars: number;
}

/** The events of one answer that need not be parsed, since they differ from one that was in nothing but their words. */
export class AlikeEvents {
  #form: EventForm | undefined;
  #model: unknown;
  #inVain = -UNTIL_LEARNT;
  #stream: string | undefined;

  /** The bytes that the next places are places in. */
  begin(bytes: Uint8Array): void {
    this.#stream = this.#form === undefined || bytes.length > FORM_BYTES ? undefined : latin1(bytes);
  }

  /** The events of the known form from a place on; undefined where there is none. */
  from(at: number): Alike | undefined {
    const form = this.#form;
    const stream = this.#stream;
    if (form === undefined || stream === undefined) return undefined;
    const end = form.endFrom(stream, at);
    if (end === at) return undefined;
    this.#inVain = 0;
    return { end, model: this.#model, text: () => form.textOf(stream.slice(at, end)), chars: end - at };
  }

  /** Takes the form of an event in the middle of an answer. */
  learn(bytes: Uint8Array, meaning: Meaning, json: unknown): void {
    if (meaning.finish !== undefined || meaning.usage !== undefined || this.#inVain > FORMS_IN_VAIN) return;
    this.#inVain++;
    const form = this.#inVain > 0 ? EventForm.of(bytes, meaning.text) : undefined;
    if (form === undefined) return;
    this.#form = form;
    this.#model = json;
  }
}
