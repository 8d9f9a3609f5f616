/** What came of asking for JSON. */
export type Answer =
  | { kind: "json"; value: unknown }
  /** `status` is 0 where no answer came. */
  | { kind: "failed"; status: number; message: string };

export interface Question {
  url: string;
  /** Sent as the key; undefined: none is. */
  secret?: string | undefined;
  signal: AbortSignal;
}

/** The largest catalogue there is has 3 MB; a stranger's endless page must not fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Asks for JSON. It does not throw: a catalogue that cannot be had is no failure of the run. */
export async function getJson({ url, secret, signal }: Question): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers: {
        accept: "application/json",
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      },
      // A key is for its own address only.
      redirect: secret === undefined ? "follow" : "manual",
      signal,
    });
    if (!response.ok) {
      void response.body?.cancel().catch(() => {});
      return { kind: "failed", status: response.status, message: `it answers with HTTP ${response.status}` };
    }
    const text = await readAll(response);
    return text === undefined ? failed("its answer is too long") : parse(text);
  } catch {
    // What the system says may name addresses; what counts is which of the two it was.
    return failed(signal.aborted ? "it does not answer in time" : "it cannot be reached");
  }
}

function failed(message: string): Answer {
  return { kind: "failed", status: 0, message };
}

function parse(text: string): Answer {
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return failed("its answer is no JSON");
  }
}

async function readAll(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) return undefined;
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}
