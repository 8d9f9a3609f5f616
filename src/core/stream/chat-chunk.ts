type Json = { [key: string]: unknown };

const encoder = new TextEncoder();

/** The same chunk with another finish reason. */
export function withFinish(chunk: unknown, reason: string): Uint8Array {
  return encodeChunk(chunk, (choice) => ({ ...choice, finish_reason: reason }));
}

/** The same chunk with another text. */
export function withText(chunk: unknown, text: string): Uint8Array {
  return encodeChunk(chunk, (choice) => {
    const delta = isObject(choice["delta"]) ? choice["delta"] : {};
    return { ...choice, delta: { ...delta, content: text } };
  });
}

function encodeChunk(chunk: unknown, change: (choice: Json) => Json): Uint8Array {
  const event = isObject(chunk) ? chunk : {};
  const [first, ...others] = Array.isArray(event["choices"]) ? event["choices"] : [];
  const changed = { ...event, choices: [change(isObject(first) ? first : {}), ...others] };
  return encoder.encode(`data: ${JSON.stringify(changed)}\n\n`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
