import type { Desk } from "./desk.ts";
import { shortModel } from "./words.ts";

/** Asks a model one short question and notes how that went. */
export async function testModel(desk: Pick<Desk, "client" | "noteTest">, model: string): Promise<void> {
  desk.noteTest(model, "asking …");
  desk.noteTest(model, await resultOf(desk, model));
}

async function resultOf({ client }: Pick<Desk, "client">, model: string): Promise<string> {
  const startedMs = performance.now();
  try {
    const answer = await client.ask(model);
    // The proxy sends the head once the first token is there.
    const tookMs = performance.now() - startedMs;
    const took = tookMs < 1000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1000).toFixed(1)} s`;
    const text = await answer.text();
    if (!answer.ok) return errorIn(text);
    const served = answer.headers.get("x-orouter-model") ?? model;
    if (served !== model) return `${shortModel(served)} answered in its place`;
    return `answered in ${took} with ${answer.headers.get("x-orouter-key")}`;
  } catch (error) {
    return `no answer: ${(error as Error).message}`;
  }
}

/** The first sentence: the report behind it is for another place. */
function errorIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string } };
    const [first = ""] = (error?.message ?? "").split("\n");
    return first.replace("[orouter] ", "").replace("ALL KEYS EXHAUSTED: ", "") || "refused";
  } catch {
    return "refused";
  }
}
