import { usageFault } from "./usage-problem.ts";

/** Thousands of keys fit; what is longer is some other file. */
const MAX_BYTES = 1024 * 1024;

/** What comes in on stdin, for `--stdin`. At a keyboard it is refused; `instead` says what to do there. */
export async function readKeyLines(instead: string): Promise<string[]> {
  if (process.stdin.isTTY === true)
    throw usageFault("--stdin reads from a pipe or a file; typed here the key would be seen.", instead);
  return await readLines(Bun.stdin.stream());
}

/** The lines of a stream that hold something, trimmed. */
export async function readLines(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(part);
    bytes += part.length;
    if (bytes <= MAX_BYTES) continue;
    throw usageFault("This is more than a list of keys.", "Send one key a line, at most 1 MiB in all.");
  }
  // TextDecoder also takes away the mark that Windows editors put first.
  const text = new TextDecoder().decode(Buffer.concat(parts));
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
