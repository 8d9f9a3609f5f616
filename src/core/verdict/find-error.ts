import { type ErrorText, errorTextOf, readErrorText } from "./error-text.ts";
import { carriesAnswer, carriesError } from "./in-band-error.ts";
import { type ReplyBody, readReplyBody } from "./reply-body.ts";

/** A reply as far as it has come, decoded. */
export interface ReplyContent {
  status: number;
  body: string;
  /** Whether an answer of a model was asked for: then a page, an empty body or a stranger's JSON is a failure. */
  expectsAnswer: boolean;
  /** Whether the body is all there will be. Of the head of a stream no end is asked. */
  isWhole?: boolean;
}

/** What is wrong with a reply. `flaw` is set when no error is named, yet this is no answer either. */
export interface FoundError {
  words: ErrorText;
  flaw: "no-answer" | "answer-cut" | undefined;
}

/** An error under some name, filled: what a good answer has not, bar `"error": null`. Quoted in content it is escaped. */
const ERROR_MARK = /"errors?"(?!\s*:\s*null\b)|"base_resp"|^event:\s*error/m;
const ANSWER_MARK =
  /"(?:choices|output|candidates|data|models)"\s*:\s*\[\s*[{[]|"type"\s*:\s*"(?:response\.|message)/;
/** The marks that a stream came to its end, in the dialects that have one. */
const END_MARK =
  /\[DONE\]|"finish_reason"\s*:\s*"|"type"\s*:\s*"(?:response\.(?:completed|incomplete)|message_stop)"|"done"\s*:\s*true/;
const TAIL_CHARS = 64 * 1024;

/** Looks for the error in a reply; undefined means that this is a good answer. */
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

/** Good answers are many and may be large: most are known without parsing. */
function isPlainlyGood({ body, isWhole }: ReplyContent): boolean {
  const start = body.trimStart();
  const isJson = start.startsWith("{") || (isWhole !== true && start.startsWith("data:"));
  if (!isJson || ERROR_MARK.test(body)) return false;
  return ANSWER_MARK.test(body.slice(0, TAIL_CHARS)) && (isWhole !== true || start.trimEnd().endsWith("}"));
}

const NOTHING: ReplyBody = { form: "empty", frames: [] };

function findStranger(reply: ReplyContent, body: ReplyBody): FoundError | undefined {
  // The head of a stream may hold nothing but comments yet; a body that came whole has had its say.
  if (reply.isWhole !== true && (body.form === "sse" || body.form === "empty")) return undefined;
  // JSON that breaks off is a cut answer, and what stands in it a model may have written.
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
