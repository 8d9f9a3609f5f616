import type { BodyFrame } from "./reply-body.ts";

type Json = { [key: string]: unknown };

/** Fields that only an answer has, in any dialect, listings and embeddings included. */
const ANSWER_KEYS = [
  "choices",
  "output",
  "candidates",
  "data",
  "models",
  "embeddings",
  "embedding",
  "combos",
];

/** Types of stream events that carry an answer: Responses and Messages. */
const ANSWER_EVENT = /^(?:response\.(?!failed)|message_|content_block|message$|ping$)/;

/** Whether a value says that something failed. Looks at the structure alone, never at what a model wrote. */
export function carriesError(frame: BodyFrame): boolean {
  const { value, event } = frame;
  if (event === "error") return true;
  if (Array.isArray(value)) return value.some((entry) => isObject(entry) && isFilled(entry["error"]));
  if (!isObject(value)) return false;
  return (
    isFilled(value["error"]) ||
    value["object"] === "error" ||
    value["type"] === "error" ||
    hasFailedStatus(value) ||
    hasFailedChoice(value["choices"]) ||
    (!carriesAnswer(frame) && isFlatError(value))
  );
}

/** Whether a value is an answer, or a part of one. */
export function carriesAnswer({ value }: BodyFrame): boolean {
  if (Array.isArray(value)) return value.every(isObject);
  if (!isObject(value)) return false;
  const type = value["type"];
  return (
    ANSWER_KEYS.some((key) => Array.isArray(value[key])) ||
    isObject(value["message"]) ||
    Array.isArray(value["content"]) ||
    typeof value["response"] === "string" ||
    typeof value["done"] === "boolean" ||
    (typeof type === "string" && ANSWER_EVENT.test(type))
  );
}

function hasFailedStatus(value: Json): boolean {
  const { response, base_resp: base } = value;
  if (value["type"] === "response.failed") return true;
  if (value["object"] === "response" && value["status"] === "failed") return true;
  if (isObject(response) && isFilled(response["error"])) return true;
  // MiniMax: every reply has this block, 0 means fine.
  return isObject(base) && typeof base["status_code"] === "number" && base["status_code"] !== 0;
}

function hasFailedChoice(choices: unknown): boolean {
  if (!Array.isArray(choices)) return false;
  return choices.some(
    (choice) => isObject(choice) && (isFilled(choice["error"]) || choice["finish_reason"] === "error"),
  );
}

function isFlatError(value: Json): boolean {
  if (value["success"] === false || isFilled(value["errors"])) return true;
  const code = Number(value["code"] ?? value["status"] ?? value["status_code"]);
  const words = value["message"] ?? value["msg"] ?? value["title"] ?? value["detail"];
  return code >= 400 && typeof words === "string";
}

function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== "" && value !== 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
