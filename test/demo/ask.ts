import type { Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../../src/demo/upstream.ts";

export function sceneOf(reply: Reply | Scene["reply"]): Scene {
  return {
    name: "test",
    title: "",
    about: "",
    keys: [{ name: "only", secret: "secret-only" }],
    models: ["m"],
    reply: typeof reply === "function" ? reply : () => reply,
  };
}

export async function withUpstream(
  scene: Scene,
  test: (upstream: Upstream) => Promise<void>,
  options: UpstreamOptions = {},
): Promise<void> {
  const upstream = await startUpstream(scene, options);
  try {
    await test(upstream);
  } finally {
    await upstream.stop();
  }
}

/** Everything else is an ordinary streamed chat request. */
export interface Question {
  dialect?: "chat" | "responses";
  key?: string;
  model?: string;
  stream?: boolean;
  more?: Record<string, unknown>;
  signal?: AbortSignal;
}

export function ask(upstream: Upstream, question: Question = {}): Promise<Response> {
  const { dialect = "chat", key = "secret-only", model = "m", stream = true, more = {}, signal } = question;
  const prompt = [{ role: "user", content: "say hello" }];
  const body =
    dialect === "chat"
      ? { model, stream, stream_options: { include_usage: true }, messages: prompt, ...more }
      : { model, stream, input: prompt, ...more };
  return fetch(`${upstream.baseUrl}/${dialect === "chat" ? "chat/completions" : "responses"}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}
