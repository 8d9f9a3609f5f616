import { expect, test } from "bun:test";
import { benchRequest, easierForm, type RequestForm, USUAL_FORM } from "../../../src/core/bench/meter.ts";
import { providerWords } from "../../../src/core/scrub.ts";
import { ownVerdict } from "../../../src/core/verdict/failure.ts";
import type { Verdict } from "../../../src/core/verdict/verdict.ts";

test("a chat service is asked for a stream of 1024 tokens with their count", () => {
  const { endpoint, body } = benchRequest("chat", "m", { form: USUAL_FORM, mark: "ab12" });
  expect(endpoint).toBe("chat/completions");
  expect(body).toMatchObject({
    model: "m",
    stream: true,
    max_tokens: 1024,
    stream_options: { include_usage: true },
  });
  expect(JSON.stringify(body["messages"])).toContain("ab12");
});

test("the Responses dialect has its own names for the same", () => {
  const { endpoint, body } = benchRequest("responses", "m", { form: USUAL_FORM, mark: "ab12" });
  expect(endpoint).toBe("responses");
  expect(body).toMatchObject({ model: "m", stream: true, max_output_tokens: 1024 });
  expect(JSON.stringify(body["input"])).toContain("ab12");
});

function refusal(kind: Verdict["kind"], message: string): Verdict {
  return { ...ownVerdict.untranslatable(providerWords(message, [])), kind };
}

const PLAIN: RequestForm = { asksUsage: false, limitField: "max_tokens" };

test.each<[name: string, form: RequestForm, verdict: Verdict, expected: RequestForm | undefined]>([
  [
    "a model that wants the other name for the limit gets it",
    USUAL_FORM,
    refusal("bad-request", "Unsupported parameter: use 'max_completion_tokens' instead."),
    { asksUsage: true, limitField: "max_completion_tokens" },
  ],
  [
    "who dislikes the question gets it without the wish for a count",
    USUAL_FORM,
    refusal("bad-request", "unknown field"),
    PLAIN,
  ],
  ["nothing simpler than the simplest is left", PLAIN, refusal("bad-request", "unknown field"), undefined],
  ["a limit is no matter of form", USUAL_FORM, refusal("rate-limit", "slow down"), undefined],
])("%s", (_name, form, verdict, expected) => {
  expect(easierForm(form, verdict)).toEqual(expected);
});
