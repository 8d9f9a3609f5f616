import type { Send } from "../../src/bench/measure-run.ts";
import type { Key } from "../../src/core/key.ts";
import { defaultSettings, parseSettings, providerOf } from "../../src/core/settings/settings.ts";

/** How fast a scripted model speaks, on a clock that only the script moves. */
export interface Pace {
  firstTokenMs: number;
  gapMs: number;
  tokens: number;
  countsTokens?: boolean;
  /** Goes silent after its last token, until the caller leaves. */
  thenHangs?: boolean;
}

export function pacedProvider(models: Readonly<Record<string, Pace>>) {
  let nowMs = 1000;
  const calls: { model: string; secret: string; body: Record<string, unknown> }[] = [];
  const send: Send = async ({ body, secret, signal }) => {
    const asked = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
    const model = String(asked["model"]);
    calls.push({ model, secret, body: asked });
    const pace = models[model];
    if (pace === undefined) return Response.json({ error: `model "${model}" not found` }, { status: 404 });
    return new Response(
      paced(pace, signal, (ms) => (nowMs += ms)),
      { headers: { "content-type": "text/event-stream" } },
    );
  };
  return { send, calls, elapsedMs: () => nowMs };
}

/** The clock moves when the next piece is requested, by the time that piece takes. */
function paced(pace: Pace, signal: AbortSignal, wait: (ms: number) => void) {
  const { firstTokenMs, gapMs, tokens, countsTokens = true, thenHangs = false } = pace;
  const encoder = new TextEncoder();
  const event = (value: unknown): Uint8Array => encoder.encode(`data: ${JSON.stringify(value)}\n\n`);
  const chunk = (delta: object, finish: string | null = null): Uint8Array =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }] });
  let at = -1;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        at++;
        if (at === 0) controller.enqueue(chunk({ role: "assistant", content: "" }));
        else if (at <= tokens) {
          wait(at === 1 ? firstTokenMs : gapMs);
          controller.enqueue(chunk({ content: "word" }));
        } else if (thenHangs) {
          signal.addEventListener("abort", () => controller.error(signal.reason));
        } else {
          controller.enqueue(chunk({}, "length"));
          if (countsTokens) controller.enqueue(event({ choices: [], usage: { completion_tokens: tokens } }));
          controller.enqueue(encoder.encode("data: [DONE]\n\n"));
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

export function providerAt(baseUrl: string, more: Record<string, unknown> = {}) {
  const parsed = parseSettings({ providers: { work: { base_url: baseUrl, ...more } } });
  const provider = providerOf("settings" in parsed ? parsed.settings : defaultSettings(), "work");
  if (provider === undefined) throw new Error("the test's provider is wrong");
  return provider;
}

export function keyOf(name: string, secret = `secret-${name}`): Key {
  return { provider: "work", name, fingerprint: name, secret, enabled: true, source: "keys.toml", from: "" };
}
