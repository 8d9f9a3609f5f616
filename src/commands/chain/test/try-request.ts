import { failureText } from "../../../cli/failure.ts";
import { say } from "../../../cli/io.ts";
import type { Catalog } from "../../../core/catalog/catalog.ts";
import { Problem } from "../../../core/problem.ts";
import type { RequestRecord } from "../../../core/routing/request-record.ts";
import { createSseReader } from "../../../core/stream/sse.ts";
import { firstChoice, meaningOf } from "../../../core/stream/stream-events.ts";
import { keepState } from "../../keep-state.ts";
import { type Routing, startRouting } from "../../routing.ts";
import type { World } from "../../world.ts";
import { type Hop, ToldRouter } from "./told-router.ts";

export interface TryOptions {
  world: World;
  catalog: Catalog;
  /** A model or a chain, as clients name it. */
  asked: string;
  onHop: (hop: Hop) => void;
  signal: AbortSignal;
}

/** What became of a request. */
export interface Trial {
  /** As the ledger has it; undefined where it never came so far. */
  record: RequestRecord | undefined;
  /** What was answered. */
  text: string;
  /** What the client was told where there was no answer. */
  error: string | undefined;
}

/** Room for models that think before they say a word; the answer itself is one. */
const MAX_TOKENS = 256;
const PROMPT = "Reply with the single word OK.";

/** Sends one small request through the whole of the routing, as opencode's go, and tells each step. */
export async function tryRequest({ world, catalog, asked, onHop, signal }: TryOptions): Promise<Trial> {
  const { settings, keys, paths } = world;
  const bugs: unknown[] = [];
  const routing = startRouting({
    settings,
    keys,
    catalog,
    makeRouter: (options) => new ToldRouter(options, onHop),
    onBug: (error) => bugs.push(error),
  });
  const { promise: finished, resolve } = Promise.withResolvers<RequestRecord>();
  routing.router.subscribe((event) => {
    if (event.kind === "finished") resolve(event.record);
  });
  const forget = await keepState({
    paths,
    settings,
    keys,
    router: routing.router,
    onTrouble: (problem) => say(failureText(problem)),
  });
  try {
    const reply = await send(routing, asked, signal);
    if (bugs.length > 0) throw bugs[0];
    return { ...reply, record: await finished };
  } catch (error) {
    if (signal.aborted) throw stopped();
    throw error;
  } finally {
    await routing.proxy.stop();
    forget();
  }
}

async function send(
  { proxy, token }: Routing,
  model: string,
  signal: AbortSignal,
): Promise<Pick<Trial, "text" | "error">> {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: MAX_TOKENS,
      messages: [{ role: "user", content: PROMPT }],
    }),
    signal,
  });
  if (response.ok) return readAnswer(response);
  return { text: "", error: errorText(await response.text()) };
}

async function readAnswer(response: Response): Promise<Pick<Trial, "text" | "error">> {
  const reader = createSseReader();
  let text = "";
  let error: string | undefined;
  for await (const chunk of response.body ?? []) {
    for (const { event } of reader.push(chunk)) {
      const meaning = meaningOf("chat", parsed(event?.data ?? ""));
      text += firstChoice(meaning).text;
      error ??= meaning.error === undefined ? undefined : errorText(meaning.error);
    }
  }
  return { text, error };
}

/** The message in an error body; the body itself where it has another form. */
function errorText(body: string): string {
  const value = parsed(body);
  const error = typeof value === "object" && value !== null && "error" in value ? value.error : undefined;
  const message =
    typeof error === "object" && error !== null && "message" in error ? error.message : undefined;
  return typeof message === "string" ? message : body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function stopped(): Problem {
  return new Problem({ code: "interrupted", what: "The test was stopped before there was an answer." });
}
