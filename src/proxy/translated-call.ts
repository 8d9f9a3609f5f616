import type { TranslatorOptions } from "../core/dialect/answer-event.ts";
import { chatToResponsesRequest } from "../core/dialect/chat-to-responses-request.ts";
import { asObject, isObject, type JsonObject } from "../core/dialect/json-object.ts";
import { responsesToChatRequest } from "../core/dialect/responses-to-chat-request.ts";
import type { Dialect } from "../core/routing/route.ts";
import type { Chance } from "./chance.ts";
import type { ModelRequest } from "./model-request.ts";
import type { ByteReader } from "./reply.ts";
import { TranslatedReader } from "./translated-reader.ts";

/** A call to a provider that speaks the other dialect. */
export interface TranslatedCall {
  kind: "translated";
  /** The provider's endpoint, behind its base URL. */
  endpoint: string;
  body: Uint8Array<ArrayBuffer>;
  /** Reads a good reply in the client's dialect, a stream or a whole answer. Anything else comes as it is. */
  reader: (source: ByteReader, contentType: string, maxBytes?: number) => ByteReader;
}

/** Where a request goes. */
export interface CallTarget {
  api: Dialect;
  model: string;
}

const ENDPOINTS: Record<Dialect, string> = { chat: "chat/completions", responses: "responses" };

/**
 * The call in the provider's dialect, where that is not the client's; undefined where nothing is to be translated.
 * A request that the other dialect has no words for cannot be sent: `why` says what it asks for.
 */
export function translateCall(
  request: Pick<ModelRequest, "id" | "body" | "dialect" | "endpoint">,
  target: CallTarget,
  chance: Pick<Required<Chance>, "nowMs" | "after">,
): TranslatedCall | { kind: "untranslatable"; why: string } | undefined {
  const { id, dialect, endpoint, body } = request;
  if (dialect === undefined || dialect === target.api) return undefined;
  const asked = parseObject(body);
  if (asked === undefined)
    return { kind: "untranslatable", why: "the body of the request is no JSON object" };
  const translate = dialect === "chat" ? chatToResponsesRequest : responsesToChatRequest;
  const translated = translate({ ...asked, model: target.model });
  if (translated.kind === "untranslatable") return { kind: "untranslatable", why: translated.why };
  const options: TranslatorOptions = {
    id: id.replaceAll("-", ""),
    model: target.model,
    createdS: Math.floor(chance.nowMs() / 1000),
    wantsUsage: asObject(asked["stream_options"])["include_usage"] === true,
  };
  const isStreamWanted = asked["stream"] === true;
  return {
    kind: "translated",
    endpoint: ENDPOINTS[target.api] + queryOf(endpoint),
    body: new TextEncoder().encode(JSON.stringify(translated.body)),
    reader: (source, contentType, maxBytes = Number.POSITIVE_INFINITY) =>
      new TranslatedReader({
        source,
        contentType,
        from: target.api,
        options,
        isStreamWanted,
        maxBytes,
        chance,
      }),
  };
}

function queryOf(endpoint: string): string {
  const at = endpoint.indexOf("?");
  return at < 0 ? "" : endpoint.slice(at);
}

function parseObject(body: Uint8Array | undefined): JsonObject | undefined {
  if (body === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
