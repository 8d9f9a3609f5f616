import { expect, test } from "bun:test";
import { outputTokensOf, withOutputLimit } from "../../../src/core/stream/asked.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const lowered = (text: string, limit: number): string =>
  new TextDecoder().decode(withOutputLimit(bytes(text), limit));

test.each<[body: string, asked: number | undefined]>([
  ['{"model":"m","max_tokens":32000}', 32_000],
  ['{"max_completion_tokens":100,"max_tokens":200}', 200],
  ['{"max_output_tokens":7}', 7],
  ['{"max_tokens":null}', undefined],
  ['{"messages":[{"max_tokens":5}]}', undefined],
  ["no JSON", undefined],
])("%s asks for %p output tokens", (body, asked) => {
  expect(outputTokensOf(bytes(body))).toBe(asked);
});

test.each<[body: string, sent: string]>([
  ['{ "max_tokens" : 32000 , "n":1}', '{ "max_tokens" : 8192 , "n":1}'],
  [
    '{"max_completion_tokens":9000,"max_output_tokens":9001}',
    '{"max_completion_tokens":8192,"max_output_tokens":8192}',
  ],
  ['{"max_tokens":8192}', '{"max_tokens":8192}'],
  [
    '{"max_tokens":100,"messages":[{"content":"\\"max_tokens\\":9999"}]}',
    '{"max_tokens":100,"messages":[{"content":"\\"max_tokens\\":9999"}]}',
  ],
])("%s is sent as %s", (body, sent) => {
  expect(lowered(body, 8192)).toBe(sent);
});
