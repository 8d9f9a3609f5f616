import type { Dialect } from "../routing/route.ts";
import type { Verdict } from "../verdict/verdict.ts";

/** How the question is put: services differ in the fields they take. */
export interface RequestForm {
  /** Chat completions count the tokens of a stream only when asked to. */
  asksUsage: boolean;
  limitField: "max_tokens" | "max_completion_tokens";
}

/** The question as most services take it. */
export const USUAL_FORM: RequestForm = { asksUsage: true, limitField: "max_tokens" };

/** Long enough for a steady pace, short enough to wait for and to pay. */
const MAX_TOKENS = 1024;

/** What is asked: code, and more of it than the limit lets through. */
const TASK =
  "Write a complete TypeScript module with an LRU cache that has a time to live for each entry, a limit by count and " +
  "one by size, statistics, events, and an async loader that never loads the same key twice at once. Add doc comments " +
  "and a full set of unit tests. Answer with the code alone, and leave nothing out.";

/** The endpoint below the provider's address, and the body of one measured call. */
export function benchRequest(
  api: Dialect,
  model: string,
  { form, mark }: { form: RequestForm; mark: string },
): { endpoint: string; body: Record<string, unknown> } {
  // Gateways keep answers: what was asked word for word before would come back from memory, and at once.
  const text = `${TASK} Name the class Cache${mark}.`;
  if (api === "responses") {
    return {
      endpoint: "responses",
      body: { model, input: text, stream: true, max_output_tokens: MAX_TOKENS },
    };
  }
  return {
    endpoint: "chat/completions",
    body: {
      model,
      messages: [{ role: "user", content: text }],
      stream: true,
      ...(form.asksUsage ? { stream_options: { include_usage: true } } : {}),
      [form.limitField]: MAX_TOKENS,
    },
  };
}

/** The form to try after a refusal that may be about the form; undefined where nothing is left to change. */
export function easierForm(form: RequestForm, { kind, message }: Verdict): RequestForm | undefined {
  if (kind !== "bad-request") return undefined;
  if (form.limitField === "max_tokens" && message.includes("max_completion_tokens"))
    return { ...form, limitField: "max_completion_tokens" };
  // Who does not know `stream_options` seldom says so by name.
  return form.asksUsage ? { ...form, asksUsage: false } : undefined;
}
