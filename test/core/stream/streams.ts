import fc from "fast-check";

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

export function responsesEvents(items: readonly ResponsesPart[], end = "response.completed"): string[] {
  const usage = { input_tokens: 3, output_tokens: 5 };
  const output = items.map(itemOf);
  const events: Record<string, unknown>[] = [
    { type: "response.created", response: { id: "r" } },
    ...items.flatMap(itemEvents),
    { type: end, response: { id: "r", usage, output } },
  ];
  return events.map((event, sequence_number) =>
    responsesEvent({ type: String(event["type"]), sequence_number, ...event }),
  );
}

/** Text in words, reasoning in words, or a call with its arguments in pieces. */
export type ResponsesPart =
  | { say: string[]; id?: string }
  | { think: string[]; seal?: string }
  | { call: string; pieces: string[] };

export function responsesEvent(event: { type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function itemOf(part: ResponsesPart, index: number): Record<string, unknown> {
  if ("say" in part) {
    const content = [{ type: "output_text", text: part.say.join(""), annotations: [] }];
    return { id: part.id ?? `msg_${index}`, type: "message", role: "assistant", content };
  }
  if ("think" in part) {
    const summary = [{ type: "summary_text", text: part.think.join("") }];
    return {
      id: `rs_${index}`,
      type: "reasoning",
      summary,
      ...(part.seal ? { encrypted_content: part.seal } : {}),
    };
  }
  const { call: name, pieces } = part;
  return {
    id: `fc_${index}`,
    type: "function_call",
    call_id: `call_${index}`,
    name,
    arguments: pieces.join(""),
  };
}

function itemEvents(part: ResponsesPart, output_index: number): Record<string, unknown>[] {
  const item = itemOf(part, output_index);
  const place = { item_id: item["id"], output_index };
  const opened = { ...item, content: [], arguments: "", summary: [] };
  const deltas = (type: string, words: string[]): Record<string, unknown>[] =>
    words.map((delta) => ({ type, ...place, content_index: 0, delta }));
  const inner =
    "say" in part
      ? [
          { type: "response.content_part.added", ...place, part: { type: "output_text", text: "" } },
          ...deltas("response.output_text.delta", part.say),
          { type: "response.output_text.done", ...place, text: part.say.join("") },
          { type: "response.content_part.done", ...place, part: { type: "output_text" } },
        ]
      : "think" in part
        ? deltas("response.reasoning_summary_text.delta", part.think)
        : [
            ...deltas("response.function_call_arguments.delta", part.pieces),
            { type: "response.function_call_arguments.done", ...place, arguments: part.pieces.join("") },
          ];
  return [
    { type: "response.output_item.added", output_index, item: opened },
    ...inner,
    { type: "response.output_item.done", output_index, item },
  ];
}

export function callEvents(name: string, pieces: readonly string[], index = 0): string[] {
  const call = (parts: object): string => chatEvent({ tool_calls: [{ index, ...parts }] });
  return [
    call({ id: `call_${index}`, type: "function", function: { name, arguments: "" } }),
    ...pieces.map((piece) => call({ function: { arguments: piece } })),
  ];
}

/** Splits the bytes anywhere, also inside a character. */
export function anyChunks(text: string): fc.Arbitrary<{ text: string; chunks: Uint8Array[] }> {
  const bytes = new TextEncoder().encode(text);
  return fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }).map((cuts) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return { text, chunks: at.slice(1).map((end, index) => bytes.slice(at[index], end)) };
  });
}
