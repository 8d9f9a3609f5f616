/** Shorter "secrets" would cut holes into every text. */
const MIN_SECRET_CHARS = 4;

/** An encoded form shorter than this would be found by chance. */
const MIN_ENCODED_CHARS = 6;

/** So much of a secret's beginning, and at least half of it, counts as the secret: providers cut what they repeat. */
const MIN_PART_BYTES = 12;

/** Forms are looked up by so many bytes of theirs at a time, 7 bits of each. */
const GRAM = 4;
/** Without the bits that tell upper from lower case. */
const CASELESS = 0b1011111_1011111_1011111_1011111;

/** Most places in a text are ruled out by one look at one of so many bits. */
const TABLE_BITS = 21;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What stands where a secret stood. */
export const MARK = "[redacted]";
const MARK_BYTES = encoder.encode(MARK);

/** Part of a text, from one byte up to another. */
interface Span {
  start: number;
  end: number;
}

/**
 * Finds known secrets in text and bytes, whatever their number: as they are, in base64 at any offset, in hex, and
 * escaped for URLs, JSON and HTML. Upper and lower case are the same to it.
 */
export class SecretFinder {
  /** A bit for each four bytes near the beginning of a form: one look in `#step` places finds every form. */
  readonly #table: Uint8Array;
  readonly #step: number;
  /** Forms by their first bytes. */
  readonly #forms = new Map<number, Uint8Array[]>();
  /** One to three bytes that a form begins with, by `openingKey`. */
  readonly #openings = new Set<number>();
  #longest = 0;

  constructor(secrets: Iterable<string>) {
    const all = new Set<string>();
    for (const secret of secrets)
      if (secret.length >= MIN_SECRET_CHARS) for (const form of formsOf(secret)) all.add(form);
    const forms = [...all].map(bytesOf);
    const shortest = forms.reduce((least, form) => Math.min(least, form.length), MIN_PART_BYTES);
    this.#step = shortest - GRAM + 1;
    this.#table = new Uint8Array(forms.length === 0 ? 0 : (1 << TABLE_BITS) / 8);
    for (const form of forms) this.#add(form);
  }

  #add(form: Uint8Array): void {
    this.#longest = Math.max(this.#longest, form.length);
    const first = gramAt(form, 0);
    const alike = this.#forms.get(first);
    if (alike === undefined) this.#forms.set(first, [form]);
    else alike.push(form);
    for (let at = 0; at < this.#step; at++) {
      const slot = slotOf(gramAt(form, at));
      this.#table[slot >>> 3] = (this.#table[slot >>> 3] ?? 0) | (1 << (slot & 7));
    }
    for (let length = 1; length < GRAM; length++) this.#openings.add(openingKey(form, 0, length));
  }

  /** Whether a text holds a secret. */
  isIn(text: string): boolean {
    return this.#forms.size > 0 && this.#find(encoder.encode(text), true).length > 0;
  }

  /** The text without the secrets in it; the very same where there is none. */
  clean(text: string): string {
    if (this.#forms.size === 0) return text;
    const bytes = encoder.encode(text);
    const cleaned = this.cleanBytes(bytes);
    return cleaned === bytes ? text : decoder.decode(cleaned);
  }

  /** The bytes without the secrets in them; the very same where there is none. */
  cleanBytes<Bytes extends Uint8Array>(bytes: Bytes): Bytes | Uint8Array<ArrayBuffer> {
    const found = this.#forms.size === 0 ? [] : this.#find(bytes, false);
    if (found.length === 0) return bytes;
    const parts: Uint8Array[] = [];
    let from = 0;
    for (const { start, end } of found) {
      parts.push(bytes.subarray(from, start), MARK_BYTES);
      from = end;
    }
    return Buffer.concat([...parts, bytes.subarray(from)]);
  }

  /** Where a secret may begin that the next bytes complete; the length where none may. */
  openFrom(bytes: Uint8Array): number {
    const { length } = bytes;
    for (let start = Math.max(0, length - this.#longest + 1); start < length; start++) {
      const left = length - start;
      const isOpen =
        left < GRAM
          ? this.#openings.has(openingKey(bytes, start, left))
          : (this.#forms.get(gramAt(bytes, start)) ?? []).some(
              (form) => form.length > left && alikeBytes(bytes, start, form) === left,
            );
      if (isOpen) return start;
    }
    return length;
  }

  #find(bytes: Uint8Array, isOneEnough: boolean): Span[] {
    const found: Span[] = [];
    const step = this.#step;
    let from = 0;
    for (let at = 0; at + GRAM <= bytes.length; at += step) {
      if (!this.#mayHold(bytes, at)) continue;
      for (let start = Math.max(from, at - step + 1); start <= at; start++) {
        const length = this.#longestAt(bytes, start);
        if (length === 0) continue;
        found.push({ start, end: start + length });
        if (isOneEnough) return found;
        from = start + length;
        start = from - 1;
      }
    }
    return found;
  }

  #mayHold(bytes: Uint8Array, at: number): boolean {
    const slot = slotOf(gramAt(bytes, at));
    return ((this.#table[slot >>> 3] ?? 0) & (1 << (slot & 7))) !== 0;
  }

  #longestAt(bytes: Uint8Array, start: number): number {
    let longest = 0;
    for (const form of this.#forms.get(gramAt(bytes, start)) ?? NO_FORMS) {
      const length = alikeBytes(bytes, start, form);
      const isEnough = length === form.length || (length >= MIN_PART_BYTES && length * 2 >= form.length);
      if (isEnough && length > longest) longest = length;
    }
    return longest;
  }
}

const NO_FORMS: readonly Uint8Array[] = [];

/** The four bytes that begin there, in any case. */
function gramAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 21) | ((bytes[at + 1] ?? 0) << 14);
  return (high | ((bytes[at + 2] ?? 0) << 7) | (bytes[at + 3] ?? 0)) & CASELESS;
}

function slotOf(gram: number): number {
  return Math.imul(gram, 0x9e3779b1) >>> (32 - TABLE_BITS);
}

function openingKey(bytes: Uint8Array, start: number, length: number): number {
  let key = length;
  for (let at = 0; at < length; at++) key = (key << 8) | lower(bytes[start + at] ?? 0);
  return key;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function bytesOf(form: string): Uint8Array {
  const bytes = encoder.encode(form);
  for (let at = 0; at < bytes.length; at++) bytes[at] = lower(bytes[at] ?? 0);
  return bytes;
}

/** How many bytes of a form stand there. */
function alikeBytes(bytes: Uint8Array, start: number, form: Uint8Array): number {
  const most = Math.min(form.length, bytes.length - start);
  let length = 0;
  while (length < most && lower(bytes[start + length] ?? 0) === form[length]) length++;
  return length;
}

/** A secret in every form that it is looked for in. */
function formsOf(secret: string): string[] {
  const bytes = encoder.encode(secret);
  const hex = Buffer.from(bytes).toString("hex");
  const encoded = [hex, hex.replace(/../g, "%$&"), ...base64Forms(bytes)];
  return [secret, ...encoded.filter((form) => form.length >= MIN_ENCODED_CHARS)].flatMap(escapedForms);
}

/** As it stands between other bytes, too: the characters that depend on neighbours are left out. */
function base64Forms(secret: Uint8Array): string[] {
  const forms = [Buffer.from(secret).toString("base64")];
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([new Uint8Array(offset), secret]).toString("base64");
    forms.push(text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + secret.length) * 8) / 6)));
  }
  return forms.flatMap((form) =>
    /[+/]/.test(form) ? [form, form.replaceAll("+", "-").replaceAll("/", "_")] : [form],
  );
}

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text of these alone is the same in a URL, in JSON and in HTML. */
const UNESCAPED = /^[\w.~%-]*$/;

function escapedForms(text: string): string[] {
  if (UNESCAPED.test(text)) return [text];
  const url = encodeURIComponent(text.toWellFormed());
  const json = JSON.stringify(text).slice(1, -1);
  return [
    text,
    url,
    url.replaceAll("%2F", "/"),
    url.replaceAll("%20", "+"),
    json,
    // As PHP writes it.
    json.replaceAll("/", "\\/"),
    text.replace(/[&<>"']/g, (char) => HTML[char] ?? char),
  ];
}
