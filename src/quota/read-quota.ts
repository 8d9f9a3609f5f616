import type { Reading } from "../core/quota/quota.ts";
import { type QuotaEndpoint, readQuotaReply } from "../core/quota/readers.ts";
import { providerWords } from "../core/scrub.ts";

const ASK_MS = 8_000;

/** Replies are a few hundred bytes. */
const MOST_BYTES = 512 * 1024;

/** Asks a provider what is left on a key. Never throws; bounded in time and size, and follows no redirect. */
export async function readQuota(
  endpoint: QuotaEndpoint,
  secret: string,
  nowMs: number,
  askMs: number = ASK_MS,
): Promise<Reading> {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), askMs);
  try {
    const response = await fetch(endpoint.url, {
      headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
      // The key is for this origin only.
      redirect: "manual",
      signal: leaving.signal,
    });
    if (response.status >= 300 && response.status < 400) {
      return { kind: "unknown", why: "the provider redirects to another address" };
    }
    const body = await boundedText(response);
    if (body === undefined) return { kind: "unknown", why: "the reply is too long" };
    const reading = readQuotaReply(endpoint, { status: response.status, body }, nowMs);
    return reading.kind === "unknown" ? { ...reading, why: providerWords(reading.why, [secret]) } : reading;
  } catch {
    // The words of network errors may repeat the address; that there was no answer is all that counts.
    return {
      kind: "unknown",
      why: leaving.signal.aborted ? "no answer in time" : "the provider cannot be reached",
    };
  } finally {
    clearTimeout(timer);
    leaving.abort();
  }
}

async function boundedText({ body }: Response): Promise<string | undefined> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
