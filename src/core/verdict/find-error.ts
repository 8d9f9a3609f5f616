import { oneLine } from "../scrub.ts";
import { type BodyForm, carriesAnswer, carriesError, type ReplyBody, readReplyBody } from "./reply-body.ts";

/** The content of an error without its envelope. */
export interface ErrorText {
  form: BodyForm;
  /** Every message, on one line, without links: `/rate-limits` in a link to the docs is not a rate limit. */
  text: string;
  /** Values of code, type, status, reason and name fields. */
  codes: string[];
  /** The text and the codes split into words, for rules about named subjects. */
  named: string;
  /** The HTTP status in the body. */
  status: number | undefined;
  /** The provider's own words for a user. */
  message: string;
  /** The frame of the words, with nested JSON parsed, for structured hints. */
  json: unknown;
}

/** How much of an error body is read. */
const BODY_CHARS = 64 * 1024;
/** How much of its text rules are matched against. */
const TEXT_CHARS = 8192;
/** How much of its text may name a party: an error comes to the point. */
const NAMED_CHARS = 2048;
/** A body with more values is not an error message. */
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
/**
 * Fields that are searched. Any other may repeat the caller's own words: `input`, `failed_generation`, `flagged_input`.
 */
const CONTAINERS = new Set(
  "error errors message detail details metadata raw body response cause choices violations innererror upstreamerror providererror baseresp result data".split(
    " ",
  ),
);

/** Phrases that only repeat the status: any other message says more. */
const EMPTY_PHRASE =
  /^(?:provider returned error|error|bad request|unauthorized|forbidden|not found|gone|too many requests|service unavailable|internal server error|bad gateway|request failed.*)\.?$/i;

/** Never throws. */
export function readErrorText(body: string): ErrorText {
  return errorTextOf(readReplyBody(body.slice(0, BODY_CHARS)));
}

/** For a parsed body: its first frame with an error, else its first frame. */
export function errorTextOf(body: ReplyBody): ErrorText {
  const frame = body.frames.find(carriesError) ?? body.frames[0];
  const words: Words = { messages: [], codes: [], status: undefined, left: MAX_VALUES };
  collect(frame?.value, "message", words);
  const messages = [...new Set(words.messages.map((message) => oneLine(message, TEXT_CHARS)))].filter(
    Boolean,
  );
  const text = oneLine(messages.join(" | ").replace(/https?:\/\/\S+/g, " "), TEXT_CHARS);
  const codes = [...new Set(words.codes)];
  return {
    form: body.form,
    text,
    codes,
    named: [text.slice(0, NAMED_CHARS), ...codes.map(codeWords)].join(" | ").slice(0, TEXT_CHARS),
    status: words.status,
    message: messages.find((message) => !EMPTY_PHRASE.test(message)) ?? messages[0] ?? "",
    json: frame?.value,
  };
}

/** `Model.AccessDenied` and `model_access_denied` as words. */
function codeWords(code: string): string {
  return code.replace(/([a-z])(?=[A-Z])/g, "$1 ").replace(/[._:-]+/g, " ");
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
  // OpenRouter's mark of a moderated request; its value is the user's text and is not read.
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

/** A reply as far as it has been received, decoded. */
export interface ReplyContent {
  status: number;
  body: string;
  /** Whether an answer of a model is expected: then a page, an empty body or unknown JSON is a failure. */
  expectsAnswer: boolean;
  /** Whether the body is complete. The head of a stream has no end yet. */
  isWhole?: boolean;
}

/** `flaw` is set if the reply names no error but is not an answer either. */
export interface FoundError {
  words: ErrorText;
  flaw: "no-answer" | "answer-cut" | undefined;
}

/** A non-empty error field, which a good answer lacks, except `"error": null`. Quoted in content it is escaped. */
const ERROR_MARK = /"errors?"(?!\s*:\s*null\b)|"base_resp"|^event:\s*error/m;
const ANSWER_MARK =
  /"(?:choices|output|candidates|data|models)"\s*:\s*\[\s*[{[]|"type"\s*:\s*"(?:response\.|message)/;
/** The marks at the end of a stream, in the dialects that have one. */
const END_MARK =
  /\[DONE\]|"finish_reason"\s*:\s*"|"type"\s*:\s*"(?:response\.(?:completed|incomplete)|message_stop)"|"done"\s*:\s*true/;
const TAIL_CHARS = 64 * 1024;

/** Undefined means that this is a good answer. */
export function findError(reply: ReplyContent): FoundError | undefined {
  if (reply.status >= 400) return { words: readErrorText(reply.body), flaw: undefined };
  if (isPlainlyGood(reply)) return undefined;
  const body = readReplyBody(reply.body);
  if (body.frames.some(carriesError)) return { words: errorTextOf(body), flaw: undefined };
  if (!reply.expectsAnswer) return undefined;
  if (!body.frames.some(carriesAnswer)) return findStranger(reply, body);
  return reply.isWhole === true && isCut(reply, body)
    ? flawed(errorTextOf(NOTHING), "answer-cut")
    : undefined;
}

/** Good answers are frequent and may be large: most are recognised without parsing. */
function isPlainlyGood({ body, isWhole }: ReplyContent): boolean {
  const start = body.trimStart();
  const isJson = start.startsWith("{") || (isWhole !== true && start.startsWith("data:"));
  if (!isJson || ERROR_MARK.test(body)) return false;
  return ANSWER_MARK.test(body.slice(0, TAIL_CHARS)) && (isWhole !== true || start.trimEnd().endsWith("}"));
}

const NOTHING: ReplyBody = { form: "empty", frames: [] };

function findStranger(reply: ReplyContent, body: ReplyBody): FoundError | undefined {
  // The head of a stream may contain only comments so far; a complete body is final.
  if (reply.isWhole !== true && (body.form === "sse" || body.form === "empty")) return undefined;
  // JSON that breaks off is a cut answer, and its text may be the model's own.
  if (body.form === "text" && /^[{[]/.test(reply.body.trimStart()))
    return flawed(errorTextOf(NOTHING), "answer-cut");
  return flawed(errorTextOf(body), "no-answer");
}

function isCut({ body }: ReplyContent, { form, frames }: ReplyBody): boolean {
  if (form === "sse") return !END_MARK.test(body.slice(-TAIL_CHARS));
  const last = frames.at(-1)?.value;
  return typeof last === "object" && last !== null && "done" in last && last.done === false;
}

function flawed(words: ErrorText, flaw: FoundError["flaw"]): FoundError {
  return { words, flaw };
}
