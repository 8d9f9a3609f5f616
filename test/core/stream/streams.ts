import fc from "fast-check";

/** Events of streams as providers send them. */
export const DONE = "data: [DONE]\n\n";

export function chatEvent(delta: Record<string, unknown>, finish: string | null = null): string {
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}

export function finishEvent(reason: string): string {
  return chatEvent({}, reason);
}

export function errorEvent(message: string): string {
  return `data: ${JSON.stringify({ error: { message, code: 500 } })}\n\n`;
}

/** A whole answer of the responses dialect. */
export function responsesAnswer(words: string[]): string {
  const usage = { input_tokens: 3, output_tokens: 5 };
  return [
    { type: "response.created", response: { id: "r" } },
    { type: "response.output_item.added", item: { type: "message" } },
    ...words.map((delta) => ({ type: "response.output_text.delta", delta })),
    { type: "response.completed", response: { id: "r", usage } },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join("");
}

/** A text's bytes in any split, inside of characters too. */
export function anyChunks(text: string): fc.Arbitrary<{ text: string; chunks: Uint8Array[] }> {
  const bytes = new TextEncoder().encode(text);
  return fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }).map((cuts) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return { text, chunks: at.slice(1).map((end, index) => bytes.slice(at[index], end)) };
  });
}
