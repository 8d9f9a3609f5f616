import fc from "fast-check";

/** Pieces of streams, good and bad. */
const PIECES = [
  'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{"content":"ünïcödé 🦊"},"finish_reason":null}]}\r\n\r\n',
  'data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"ls","arguments":"{}"}}]}}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{"content":"says \\"finish_reason\\":\\"stop\\" and [DONE]"}}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"MAX_TOKENS"}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":""}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n',
  'data: {"error":{"message":"overloaded","code":503}}\n\n',
  'event: error\ndata: {"message":"gone"}\n\n',
  'data: {"choices":null}\n\n',
  'data: {"choices":[{"delta":null}]}\n\n',
  "data: null\n\n",
  "data: 7\n\n",
  "data: [DONE]\n\n",
  "data:[DONE]\n\n",
  'data: {"choices":[{"index":0,"delta":{"content":"cut\n\n',
  'data: {"choices":\ndata: [{"index":0,"delta":{"content":"two lines"}}]}\n\n',
  'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"m","content":[],"usage":{"input_tokens":3}}}\n\n',
  'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"wörd "}}\n\n',
  'event: content_block_start\ndata: {"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":""}}\n\n',
  'data: {"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"s"}}\n\n',
  'event: content_block_start\ndata: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"ls","input":{}}}\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}\n\n',
  'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":null}}\n\n',
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  'event: ping\ndata: {"type":"ping"}\n\n',
  ": keep-alive\n\n",
  "\n\n",
  "\r",
  "retry: 5\n\n",
  "id: \u0000\n\n",
  "<html><body>502</body></html>\n",
  '{"choices":[{"message":{"content":"no stream"}}]}',
];

const encoder = new TextEncoder();

/** Any bytes a provider may send instead of a stream: pieces, with some bytes changed. */
export const anyStream: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ maxLength: 30 })), {
      maxLength: 14,
    }),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
  )
  .map(([pieces, flips]) => {
    const bytes = encoder.encode(pieces.join(""));
    for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  });

export function cutAnywhere(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.slice(at[index], end));
}
