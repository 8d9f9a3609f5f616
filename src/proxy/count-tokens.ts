import { traitsOf } from "../core/dialect/model-traits.ts";
import { type Counting, dialectSpec } from "../core/dialect/registry.ts";
import { asObject, parseJsonBytes } from "../core/json.ts";
import type { Provider } from "../core/settings/provider.ts";
import { bodyFor } from "./destination.ts";
import type { ModelRequest } from "./read-request.ts";
import type { Router } from "./router.ts";

/** A count that takes longer is of no use to a client that waits for it before its request. */
const COUNT_MS = 10_000;

/** Keys that are tried: a count is not worth more calls. */
const MAX_KEYS = 3;

/**
 * Answers how many tokens a request has: as the provider of the first model counts them if it speaks the dialect, else by
 * an estimate, which is marked. A count says nothing about a lane, so it sets no cooldown and never moves to another model.
 */
export async function countTokens(
  request: ModelRequest,
  counting: Counting,
  router: Router,
): Promise<Response> {
  return (await countAtProvider(request, counting, router)) ?? estimate(request, counting);
}

function estimate({ body }: ModelRequest, { estimate: count }: Counting): Response {
  const tokens = count(asObject(body === undefined ? undefined : parseJsonBytes(body)));
  return Response.json({ input_tokens: tokens }, { headers: { "x-orouter-estimated": "true" } });
}

async function countAtProvider(
  request: ModelRequest,
  counting: Counting,
  router: Router,
): Promise<Response | undefined> {
  const [ref] = request.targets;
  const provider = ref === undefined ? undefined : request.snapshot.providers.get(ref.provider);
  if (ref === undefined || provider === undefined) return undefined;
  const isAskedInPath = request.pathProvider === provider.id;
  if (provider.api !== counting.dialect && !isAskedInPath) return undefined;
  const keys = request.snapshot.keysOf(ref.provider).filter(({ enabled }) => enabled);
  for (const { secret } of keys.slice(0, MAX_KEYS)) {
    const body = await ask({ request, provider, counting, router, model: ref.model }, secret);
    if (body !== undefined) return new Response(body, { headers: { "content-type": "application/json" } });
  }
  return undefined;
}

interface Question {
  request: ModelRequest;
  provider: Provider;
  counting: Counting;
  router: Router;
  model: string;
}

async function ask(
  { request, provider, counting, router, model }: Question,
  secret: string,
): Promise<string | undefined> {
  const own = bodyFor(request, model);
  const { passRequest } = dialectSpec(counting.dialect);
  const familyOf = (seal: string): string | undefined => router.facts.familyOfSeal(seal);
  const call = router.transport({
    url: `${provider.baseUrl}/${request.endpoint}`,
    method: request.method,
    headers: request.headers,
    secret,
    auth: provider.auth,
    dialect: counting.dialect,
    body: own === undefined ? own : (passRequest?.(own, traitsOf(provider, model), familyOf) ?? own),
  });
  const callOff = router.env.after(COUNT_MS, call.abort);
  request.signal.addEventListener("abort", call.abort, { once: true });
  try {
    const { status, body } = await call.reply;
    const text = new TextDecoder().decode(await body?.bytes());
    const { input_tokens: tokens } = asObject(parseJsonBytes(new TextEncoder().encode(text)));
    return status === 200 && typeof tokens === "number" ? text : undefined;
  } catch {
    return undefined;
  } finally {
    callOff();
  }
}
