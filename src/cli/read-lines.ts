import { EXIT, Problem } from "../core/problem.ts";

/** Thousands of keys fit; what is longer is some other file. */
const MAX_BYTES = 1024 * 1024;

/** The lines of a stream that hold something, trimmed. */
export async function readLines(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(part);
    bytes += part.length;
    if (bytes <= MAX_BYTES) continue;
    throw new Problem({
      code: "usage",
      what: "This is more than a list of keys.",
      fix: "Send one key a line, at most 1 MiB in all.",
      exit: EXIT.usage,
    });
  }
  // TextDecoder also takes away the mark that Windows editors put first.
  const text = new TextDecoder().decode(Buffer.concat(parts));
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
