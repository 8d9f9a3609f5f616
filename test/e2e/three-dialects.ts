import { asArray, asObject, type JsonObject, parseJson } from "../../src/core/json.ts";

/** A call that reached the provider. */
export interface SeenCall {
  path: string;
  key: string;
  headers: Headers;
  body: JsonObject;
}

/** A provider that speaks all three dialects, and refuses its keys as they are named. */
export interface DialectServer {
  url: string;
  calls: SeenCall[];
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** A tool call as a model writes it. */
export interface SaidCall {
  id: string;
  name: string;
  input: JsonObject;
}

/** What each model says: a thought, a text and calls, or a text alone behind the results of calls. */
export const SAID = { thought: "Let me see.", text: "Ünique words." };

const TWO_CALLS: readonly SaidCall[] = ["a", "b"].map((id) => ({ id, name: "ls", input: { path: id } }));

const sse = (events: readonly object[], isNamed: boolean): string =>
  events
    .map(
      (event) => `${isNamed ? `event: ${asObject(event)["type"]}\n` : ""}data: ${JSON.stringify(event)}\n\n`,
    )
    .join("");

/** The last answer of a turn: behind results, and where there are no tools, as for a title. */
function isLastOf(body: JsonObject): boolean {
  const turns = asArray(body["messages"] ?? body["input"]);
  const begun = turns.findLastIndex((turn) => isQuestion(asObject(turn)));
  return asArray(body["tools"]).length === 0 || begun < turns.length - 1;
}

/** Whether a turn is the user's own words, and no result of a call. */
function isQuestion(turn: JsonObject): boolean {
  return turn["role"] === "user" && !JSON.stringify(turn).includes("tool_result");
}

function chatAnswer(body: JsonObject, said: readonly SaidCall[]): { stream: string; whole: object } {
  const isLast = isLastOf(body);
  const calls = said.map(({ id, name, input }, index) => ({
    index,
    id: `call_${id}`,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  }));
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 40 },
  };
  const head = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m" };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const finish = isLast ? "stop" : "tool_calls";
  const stream = `${sse(
    [
      chunk({ role: "assistant", content: "" }),
      ...(isLast ? [] : [chunk({ reasoning_content: SAID.thought })]),
      ...[...SAID.text].map((content) => chunk({ content })),
      ...(isLast ? [] : calls.map((one) => chunk({ tool_calls: [one] }))),
      chunk({}, finish),
      { ...head, choices: [], usage },
    ],
    false,
  )}data: [DONE]\n\n`;
  const message = {
    role: "assistant",
    content: SAID.text,
    ...(isLast
      ? {}
      : { reasoning_content: SAID.thought, tool_calls: calls.map(({ index: _, ...one }) => one) }),
  };
  const choices = [{ index: 0, message, finish_reason: finish }];
  return { stream, whole: { ...head, object: "chat.completion", choices, usage } };
}

function messagesAnswer(body: JsonObject, said: readonly SaidCall[]): { stream: string; whole: object } {
  const isLast = isLastOf(body);
  const content = [
    ...(isLast ? [] : [{ type: "thinking", thinking: SAID.thought, signature: "sig-m" }]),
    { type: "text", text: SAID.text },
    ...(isLast
      ? []
      : said.map(({ id, name, input }) => ({ type: "tool_use", id: `call_${id}`, name, input }))),
  ];
  const usage = { input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 20 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null };
  const stop_reason = isLast ? "end_turn" : "tool_use";
  const blocks = content.flatMap((block, index) => {
    const deltas: object[] =
      block.type === "text"
        ? [...SAID.text].map((text) => ({ type: "text_delta", text }))
        : block.type === "thinking"
          ? [
              { type: "thinking_delta", thinking: SAID.thought },
              { type: "signature_delta", signature: "sig-m" },
            ]
          : [{ type: "input_json_delta", partial_json: JSON.stringify(asObject(block)["input"]) }];
    const empty = { text: { text: "" }, thinking: { thinking: "", signature: "" }, tool_use: { input: {} } };
    const content_block = { ...block, ...empty[block.type as keyof typeof empty] };
    return [
      { type: "content_block_start", index, content_block },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ];
  });
  const stream = sse(
    [
      { type: "message_start", message: { ...message, content: [], stop_reason: null, usage } },
      { type: "ping" },
      ...blocks,
      { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage },
      { type: "message_stop" },
    ],
    true,
  );
  return { stream, whole: { ...message, content, stop_reason, usage } };
}

function responsesAnswer(body: JsonObject, said: readonly SaidCall[]): { stream: string; whole: object } {
  const isLast = isLastOf(body);
  const output: JsonObject[] = [
    ...(isLast
      ? []
      : [{ id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: SAID.thought }] }]),
    {
      id: "m_1",
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: SAID.text, annotations: [] }],
    },
    ...(isLast
      ? []
      : said.map(({ id, name, input }) => ({
          id: `fc_${id}`,
          type: "function_call",
          call_id: `call_${id}`,
          name,
          arguments: JSON.stringify(input),
          status: "completed",
        }))),
  ];
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 40 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 120,
  };
  const response = {
    id: "resp_1",
    object: "response",
    created_at: 1,
    model: "m",
    error: null,
    incomplete_details: null,
  };
  const items = output.flatMap((item, output_index): object[] => {
    const place = { item_id: item["id"], output_index };
    const added = { ...item, content: [], summary: [], arguments: "" };
    const texts: object[] =
      item["type"] === "message"
        ? [...SAID.text].map((delta) => ({
            type: "response.output_text.delta",
            ...place,
            content_index: 0,
            delta,
          }))
        : item["type"] === "reasoning"
          ? [
              {
                type: "response.reasoning_summary_text.delta",
                ...place,
                summary_index: 0,
                delta: SAID.thought,
              },
            ]
          : [{ type: "response.function_call_arguments.delta", ...place, delta: item["arguments"] }];
    const part = { type: "output_text", text: "", annotations: [] };
    return [
      { type: "response.output_item.added", output_index, item: added },
      ...(item["type"] === "message"
        ? [{ type: "response.content_part.added", ...place, content_index: 0, part }]
        : []),
      ...texts,
      { type: "response.output_item.done", output_index, item },
    ];
  });
  const stream = sse(
    [
      { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
      ...items,
      { type: "response.completed", response: { ...response, status: "completed", output, usage } },
    ].map((event, sequence_number) => ({ ...event, sequence_number })),
    true,
  );
  return { stream, whole: { ...response, status: "completed", output, usage } };
}

type Answering = (body: JsonObject, said: readonly SaidCall[]) => { stream: string; whole: object };

const ANSWERS: Record<string, Answering> = {
  "chat/completions": chatAnswer,
  responses: responsesAnswer,
  messages: messagesAnswer,
};

function keyIn(headers: Headers): string {
  return headers.get("x-api-key") ?? headers.get("authorization")?.replace("Bearer ", "") ?? "";
}

const refused = (status: number, type: string, message: string): Response =>
  Response.json({ type: "error", error: { type, message } }, { status });

/** Starts it. A key named `dead` is unknown, one named `spent` is at its limit, and every other one is good. */
export function dialectServer(said: readonly SaidCall[] = TWO_CALLS): DialectServer {
  const calls: SeenCall[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (req) => {
      const path = new URL(req.url).pathname.replace(/^.*?\/v1\//, "");
      const key = keyIn(req.headers);
      const body = asObject(parseJson(await req.text()));
      calls.push({ path, key, headers: req.headers, body });
      if (key.includes("dead")) return refused(401, "authentication_error", "invalid x-api-key");
      if (key.includes("spent"))
        return refused(429, "rate_limit_error", "This request would exceed your rate limit.");
      if (path === "messages/count_tokens") return Response.json({ input_tokens: 42 });
      const answer = ANSWERS[path]?.(body, said);
      if (answer === undefined) return refused(404, "not_found_error", "Not found");
      if (body["stream"] !== true) return Response.json(answer.whole);
      return new Response(answer.stream, {
        headers: { "content-type": "text/event-stream", "anthropic-ratelimit-requests-remaining": "3" },
      });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    calls,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
