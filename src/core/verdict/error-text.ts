import { oneLine } from "../redact.ts";
import { carriesError } from "./in-band-error.ts";
import { type BodyForm, type ReplyBody, readReplyBody } from "./reply-body.ts";

/** What a failed reply says, freed from its envelope. */
export interface ErrorText {
  form: BodyForm;
  /** Every message in it, on one line, links taken out: `/rate-limits` in a link to the docs is no rate limit. */
  text: string;
  /** Values of code, type, status, reason and name fields. */
  codes: string[];
  /** The HTTP status the body names. */
  status: number | undefined;
  /** The provider's own words for a person. */
  message: string;
  /** The frame the words came from, nested JSON opened, for structured hints. */
  json: unknown;
}

/** How much of an error body is looked at. */
const BODY_CHARS = 64 * 1024;
/** How much of its words rules are run over. */
const TEXT_CHARS = 8192;
/** A body with more values than this is no error message. */
const MAX_VALUES = 2000;

/** Keys are compared without case, dashes and underscores. */
const MESSAGE_KEYS = new Set(
  "message msg error errors detail details title description errordescription errormessage errmsg statusmsg raw reason".split(
    " ",
  ),
);
const CODE_KEYS = new Set(
  "code type status statuscode httpstatus reason name errorcode errortype providererrorcode limitsource limitname quotaid errorcategory".split(
    " ",
  ),
);
/** What may be looked into. All else may echo the caller's own words: `input`, `failed_generation`, `flagged_input`. */
const CONTAINERS = new Set(
  "error errors message detail details metadata raw body response cause choices violations innererror upstreamerror providererror baseresp result".split(
    " ",
  ),
);

/** Phrases that only repeat the status: any other message says more. */
const EMPTY_PHRASE =
  /^(?:provider returned error|error|bad request|unauthorized|forbidden|not found|gone|too many requests|service unavailable|internal server error|bad gateway|request failed.*)\.?$/i;

/** Reads an error out of any envelope. Never throws, whatever the text. */
export function readErrorText(body: string): ErrorText {
  return errorTextOf(readReplyBody(body.slice(0, BODY_CHARS)));
}

/** The same for a body that has been taken apart: its first frame with an error, else its first frame. */
export function errorTextOf(body: ReplyBody): ErrorText {
  const frame = body.frames.find(carriesError) ?? body.frames[0];
  const words: Words = { messages: [], codes: [], status: undefined, left: MAX_VALUES };
  collect(frame?.value, "message", words);
  const messages = [...new Set(words.messages.map((message) => oneLine(message, TEXT_CHARS)))].filter(
    Boolean,
  );
  return {
    form: body.form,
    text: oneLine(messages.join(" | ").replace(/https?:\/\/\S+/g, " "), TEXT_CHARS),
    codes: [...new Set(words.codes)],
    status: words.status,
    message: messages.find((message) => !EMPTY_PHRASE.test(message)) ?? messages[0] ?? "",
    json: frame?.value,
  };
}

interface Words {
  messages: string[];
  codes: string[];
  status: number | undefined;
  left: number;
}

function collect(value: unknown, key: string, words: Words): void {
  if (words.left-- <= 0) return;
  if (Array.isArray(value)) {
    for (const entry of value) collect(entry, key, words);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, entry] of Object.entries(value)) collectField(name, entry, key, words);
  } else {
    collectScalar(value, key, words);
  }
}

function collectField(name: string, entry: unknown, parent: string, words: Words): void {
  const key = name.toLowerCase().replace(/[-_@]/g, "");
  // OpenRouter's mark of a moderated request; its value is the user's text and stays unread.
  if (key === "flaggedinput") words.codes.push("flagged_input");
  if (typeof entry === "object" && entry !== null) {
    if (CONTAINERS.has(key)) collect(entry, key, words);
  } else if (parent === "baseresp" && key === "statuscode") {
    words.codes.push(`base_resp:${String(entry)}`);
  } else {
    collectScalar(entry, key, words);
  }
}

function collectScalar(value: unknown, key: string, words: Words): void {
  if (typeof value !== "string" && typeof value !== "number") return;
  const text = String(value).trim();
  if (text === "") return;
  if (CODE_KEYS.has(key)) {
    words.codes.push(text.slice(0, 200));
    if (words.status === undefined && /^[45]\d\d$/.test(text)) words.status = Number(text);
  }
  if (MESSAGE_KEYS.has(key) && (key !== "reason" || text.includes(" "))) words.messages.push(text);
}
