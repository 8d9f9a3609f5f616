import { readFileSync } from "node:fs";
import { classify } from "../src/core/verdict/classify.ts";
import type { Fault, Verdict, VerdictKind } from "../src/core/verdict/verdict.ts";
import type { RecordedReply } from "./recorded-reply.ts";
import { replayThroughProxy } from "./replay-through-proxy.ts";

/** The recording's words for ours; other classes differ in their dashes alone. */
const CLASSES: Partial<Record<VerdictKind, string>> = {
  concurrency: "rate_limit",
  overflow: "context_overflow",
  reset: "server_error",
  silent: "timeout",
  unsupported: "bad_request",
  "output-limit": "bad_request",
  "path-not-found": "model_not_found",
};
const SCOPES: Partial<Record<Fault, string>> = { lane: "key+model", path: "model" };

const ANSWER_PATH = /\/(?:chat\/completions|completions|responses|messages|chat|generate)$|:generateContent$/;

function replay(recorded: RecordedReply): Verdict | undefined {
  const { provider, endpoint, status, headers, body } = recorded;
  return classify(
    {
      provider,
      path: endpoint,
      status,
      headers: new Headers(headers),
      body: typeof body === "string" ? body : JSON.stringify(body),
      expectsAnswer: ANSWER_PATH.test(endpoint),
      isWhole: true,
    },
    { userRules: [], secrets: [], nowMs: Date.now() },
  );
}

function compare(recorded: RecordedReply): { class: boolean; scope: boolean; wait: boolean; line: string } {
  const verdict = replay(recorded);
  const kind = verdict === undefined ? "ok" : (CLASSES[verdict.kind] ?? verdict.kind.replaceAll("-", "_"));
  const scope = verdict === undefined ? recorded.scope : (SCOPES[verdict.fault] ?? verdict.fault);
  const wanted = recorded.retry_after_ms;
  return {
    class: (recorded.accept ?? [recorded.class]).includes(kind),
    scope: scope === recorded.scope,
    wait: wanted === undefined || verdict?.waitMs === wanted,
    line: `${recorded.id}: ${kind}/${scope}/${verdict?.waitMs ?? "-"} by ${verdict?.rule ?? "-"}, wanted ${recorded.class}/${recorded.scope}/${wanted ?? "-"}`,
  };
}

/** Every reply through the classifier alone. */
function replayVerdicts(errors: readonly RecordedReply[]): boolean {
  const results = errors.map(compare);
  for (const { line, ...right } of results) {
    if (!Object.values(right).every(Boolean)) console.log(line);
  }
  const figure = (what: "class" | "scope" | "wait"): string =>
    `${results.filter((result) => result[what]).length} of ${results.length} right (${what})`;
  console.log(`${figure("class")}, ${figure("scope")}, ${figure("wait")}`);
  return results.every((result) => result.class && result.scope && result.wait);
}

/** Every reply through a running proxy: where the request goes next, and who rests. */
async function replayRoutes(errors: readonly RecordedReply[]): Promise<boolean> {
  let [steps, rests, both] = [0, 0, 0];
  for (const recorded of errors) {
    const { step, rest, line } = await replayThroughProxy(recorded);
    if (step) steps++;
    if (rest) rests++;
    if (step && rest) both++;
    else console.log(line);
  }
  const of = `of ${errors.length}`;
  console.log(
    `${steps} ${of} took the right next step, ${rests} ${of} left the right rest, ${both} ${of} both`,
  );
  return both === errors.length;
}

const args = process.argv.slice(2);
const file = args.find((arg) => !arg.startsWith("--"));
if (file === undefined) {
  console.error("usage: bun scripts/replay-errors.ts FILE [--proxy]");
  process.exit(2);
}
const { errors } = JSON.parse(readFileSync(file, "utf8")) as { errors: RecordedReply[] };
const isRight = args.includes("--proxy") ? await replayRoutes(errors) : replayVerdicts(errors);
process.exit(isRight ? 0 : 1);
