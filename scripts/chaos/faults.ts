import { DIALECTS, type Mark, type Piece, streamOf } from "./answer.ts";
import {
  type Action,
  type Exchange,
  jsonReply,
  ODDITIES,
  paced,
  type Reply,
  streamHead,
  wholeReply,
} from "./reply.ts";

/** How a provider limits a lane for a time: the words it says so in, and how long it holds. */
interface Limit {
  name: string;
  ms: number;
  /** The reply names the time, so that asking again before is a mistake. */
  isDeclared: boolean;
  reply: (leftMs: number) => Action[];
}

/** A fault of one call. */
interface Fault {
  name: string;
  make: (exchange: Exchange) => Action[];
}

function openaiError(message: string, type: string, code: string | null = null): Record<string, unknown> {
  return { error: { message, type, param: null, code } };
}

function page(title: string): string {
  return `<!DOCTYPE html><html><head><title>relay.example | ${title}</title></head><body><h1>${title}</h1></body></html>`;
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const RATE = "Rate limit reached for requests.";

export const LIMITS: readonly Limit[] = [
  {
    name: "429 with Retry-After in seconds",
    ms: 3000,
    isDeclared: true,
    reply: (left) => jsonReply(429, openaiError(RATE, "rate_limit_error"), [`retry-after: ${seconds(left)}`]),
  },
  {
    name: "429 with Retry-After as a date",
    ms: 3000,
    isDeclared: true,
    reply: (left) =>
      jsonReply(429, openaiError(RATE, "rate_limit_error"), [
        `date: ${new Date().toUTCString()}`,
        `retry-after: ${new Date(Date.now() + left + 999).toUTCString()}`,
      ]),
  },
  {
    name: "429 with retry-after-ms",
    ms: 1500,
    isDeclared: true,
    reply: (left) =>
      jsonReply(429, openaiError(RATE, "rate_limit_error"), [`retry-after-ms: ${Math.ceil(left)}`]),
  },
  {
    name: "429 with the wait in words",
    ms: 2500,
    isDeclared: true,
    reply: (left) =>
      jsonReply(
        429,
        openaiError(
          `${RATE} Please try again in ${(left / 1000).toFixed(2)}s.`,
          "rate_limit_error",
          "rate_limit_exceeded",
        ),
      ),
  },
  {
    name: "429 without a hint",
    ms: 2000,
    isDeclared: false,
    reply: () => jsonReply(429, openaiError("Too many requests", "rate_limit_error")),
  },
  {
    name: "429 for concurrency",
    ms: 800,
    isDeclared: false,
    reply: () => jsonReply(429, { error: "too many concurrent requests" }),
  },
];

/** Refusals that no wait within a session cures, by whom they concern. */
export const DEAD: readonly { name: string; scope: "key" | "lane"; reply: (model: string) => Action[] }[] = [
  {
    name: "401",
    scope: "key",
    reply: () =>
      jsonReply(401, openaiError("Incorrect API key provided.", "invalid_request_error", "invalid_api_key")),
  },
  { name: "401 in one word", scope: "key", reply: () => jsonReply(401, { error: "unauthorized" }) },
  {
    name: "402",
    scope: "key",
    reply: () =>
      jsonReply(402, openaiError("Insufficient credits. Add more to go on.", "insufficient_quota")),
  },
  {
    name: "429 for an hour",
    scope: "key",
    reply: () => jsonReply(429, openaiError(RATE, "rate_limit_error"), ["retry-after: 3600"]),
  },
  {
    name: "429 of a used up plan",
    scope: "key",
    reply: () =>
      jsonReply(429, {
        error: "you (chaos) have reached your weekly usage limit, upgrade for higher limits",
      }),
  },
  {
    name: "403 plan",
    scope: "lane",
    reply: () => jsonReply(403, { error: "this model requires a subscription, upgrade for access" }),
  },
  {
    name: "404 model",
    scope: "lane",
    reply: (model) =>
      jsonReply(
        404,
        openaiError(
          `The model \`${model}\` does not exist or you do not have access to it.`,
          "invalid_request_error",
          "model_not_found",
        ),
      ),
  },
];

const DOWN: readonly Fault[] = [
  { name: "408", make: () => jsonReply(408, openaiError("Request timed out.", "timeout")) },
  {
    name: "500",
    make: () =>
      jsonReply(500, openaiError("The server had an error while processing your request.", "server_error")),
  },
  { name: "500 with an empty body", make: () => wholeReply(500, "", "") },
  { name: "502 page", make: () => wholeReply(502, page("502 Bad Gateway"), "text/html") },
  { name: "503", make: () => jsonReply(503, { error: "Server overloaded, please retry shortly" }) },
  {
    name: "503 with Retry-After",
    make: () => jsonReply(503, openaiError("Service unavailable.", "server_error"), ["retry-after: 1"]),
  },
  { name: "504 page", make: () => wholeReply(504, page("504 Gateway Time-out"), "text/html") },
  {
    name: "520 page",
    make: () => wholeReply(520, page("520: Web server is returning an unknown error"), "text/html"),
  },
  { name: "522 page", make: () => wholeReply(522, page("522: Connection timed out"), "text/html") },
  { name: "524 page", make: () => wholeReply(524, page("524: A timeout occurred"), "text/html") },
  {
    name: "529",
    make: () => jsonReply(529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
  },
];

/** Half a head. */
const TORN_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/ev";

const CONNECTION: readonly Fault[] = [
  { name: "reset before the head", make: () => [{ do: "reset" }] },
  { name: "closed before the head", make: () => [{ do: "close" }] },
  {
    name: "reset in the head",
    make: () => [{ do: "raw", text: TORN_HEAD }, { do: "wait", ms: 20 }, { do: "reset" }],
  },
  { name: "closed in the head", make: () => [{ do: "raw", text: TORN_HEAD }, { do: "close" }] },
  { name: "reset behind the head", make: () => [streamHead(), { do: "wait", ms: 20 }, { do: "reset" }] },
  { name: "closed in a body with a length", make: closedInLength },
];

function closedInLength(exchange: Exchange): Action[] {
  const [whole] = jsonReply(200, DIALECTS[exchange.conversation.dialect].whole(exchange.answer));
  const text = whole?.do === "raw" ? whole.text : "";
  return [{ do: "raw", text: text.slice(0, text.length - 20) }, { do: "wait", ms: 20 }, { do: "close" }];
}

/** Where in a stream a fault comes. */
type Place =
  | "opening"
  | "thinking"
  | "text"
  | "arguments"
  | "behind a call"
  | "second call"
  | "before the finish";

/** The events up to a place; a place that the answer does not have is the nearest one that it has. */
function upTo(exchange: Exchange, place: Place): Piece[] {
  const pieces = streamOf(exchange.answer, exchange.conversation);
  return pieces.slice(0, cutIndex(pieces, place, exchange.roll("place")));
}

function cutIndex(pieces: readonly Piece[], place: Place, roll: number): number {
  const inside = (mark: Mark, call = 0): number | undefined => {
    const all = [...pieces.keys()].filter((at) => {
      const piece = pieces[at];
      return piece?.mark === mark && (mark === "text" || mark === "thinking" || piece.call === call);
    });
    const at = all[Math.floor(roll * all.length)];
    return at === undefined ? undefined : at + 1;
  };
  const behind = (mark: Mark): number | undefined => {
    const at = pieces.findIndex((piece) => piece.mark === mark);
    return at < 0 ? undefined : at + 1;
  };
  const end = pieces.findIndex(({ mark }) => mark === "finish" || mark === "usage" || mark === "end");
  const last = end < 0 ? pieces.length : end;
  switch (place) {
    case "opening":
      return 1;
    case "thinking":
      return inside("thinking") ?? inside("text") ?? inside("arguments") ?? 1;
    case "text":
      return Math.min(inside("text") ?? inside("arguments") ?? 1, last);
    case "arguments":
      return inside("arguments") ?? inside("text") ?? 1;
    case "behind a call":
      return behind("call-end") ?? last;
    case "second call":
      return inside("arguments", 1) ?? behind("call-end") ?? last;
    case "before the finish":
      return last;
  }
}

type Break = "reset" | "closed" | "silence" | "keep-alives only" | "error" | "end";

function broken(exchange: Exchange, place: Place, how: Break): Action[] {
  const sent = [streamHead(), ...paced(upTo(exchange, place))];
  switch (how) {
    case "reset":
      // A reset can overtake the bytes before it.
      return [...sent, { do: "wait", ms: 20 }, { do: "reset" }];
    case "closed":
      return [...sent, { do: "close" }];
    case "silence":
      return [...sent, { do: "hang", keepAlive: false }];
    case "keep-alives only":
      return [...sent, { do: "hang", keepAlive: true }];
    case "error":
      return [...sent, { do: "chunk", data: errorEvent(exchange) }, { do: "end" }];
    case "end":
      return [...sent, ...endMark(exchange), { do: "end" }];
  }
}

const STREAM_ERRORS: readonly unknown[] = [
  {
    message: "The server had an error while processing your request.",
    type: "server_error",
    code: "server_error",
  },
  { message: "upstream exploded", code: 502 },
  { message: "Overloaded", type: "overloaded_error" },
  { message: "Worker local total request limit reached (33/32)", type: "rate_limit_error", code: 429 },
  "stream failed",
];

function errorEvent({ conversation, roll }: Exchange): string {
  const error = STREAM_ERRORS[Math.floor(roll("error") * STREAM_ERRORS.length)];
  return DIALECTS[conversation.dialect].errorEvent(error);
}

/** The end mark of the dialect without a finish before it, or nothing at all. */
function endMark({ conversation, roll }: Exchange): Action[] {
  return conversation.dialect === "chat" && roll("end mark") < 0.5
    ? [{ do: "chunk", data: "data: [DONE]\n\n" }]
    : [];
}

function breaks(how: readonly Break[], places: readonly Place[]): Fault[] {
  return how.flatMap((kind) =>
    places.map((place) => ({
      name: `${kind} ${place === "behind a call" || place === "before the finish" ? place : `in the ${place}`}`,
      make: (exchange: Exchange) => broken(exchange, place, kind),
    })),
  );
}

/** An answer that ends well and has nothing in it. */
function hollow(exchange: Exchange, finish: string, thinks: boolean): Action[] {
  const thinking = thinks ? exchange.answer.thinking || "I should go on with the next step." : "";
  const answer = { ...exchange.answer, thinking, text: "", calls: [] };
  const pieces = streamOf(answer, exchange.conversation, finish).filter(({ mark }) => mark !== "text");
  return [streamHead(), ...paced(pieces), { do: "end" }];
}

const HOLLOW: readonly Fault[] = [
  { name: "stop without a word or a call", make: (exchange) => hollow(exchange, "stop", false) },
  { name: "length without a word or a call", make: (exchange) => hollow(exchange, "length", false) },
  { name: "tool_calls without a call", make: (exchange) => hollow(exchange, "tool_calls", false) },
  { name: "thinking only, then stop", make: (exchange) => hollow(exchange, "stop", true) },
  { name: "thinking only, then length", make: (exchange) => hollow(exchange, "length", true) },
  { name: "an empty 200", make: () => wholeReply(200, "", "text/event-stream") },
  {
    name: "an end mark alone",
    make: () => [streamHead(), { do: "chunk", data: "data: [DONE]\n\n" }, { do: "end" }],
  },
  ...breaks(["end"], ["opening", "thinking"]),
];

const GOOD_STATUS_ERRORS: readonly Fault[] = [
  {
    name: "JSON error in a 200",
    make: () => jsonReply(200, { error: { message: "upstream exploded", code: 500 } }),
  },
  { name: "page in a 200", make: () => wholeReply(200, page("Sign in"), "text/html") },
  ...breaks(["error"], ["opening", "text", "arguments", "behind a call", "before the finish"]),
];

/** The faults by groups, which is how profiles choose them. */
export const FAULTS = {
  down: DOWN,
  connection: CONNECTION,
  breaks: breaks(["reset", "closed"], ["thinking", "text", "arguments", "second call"]),
  "behind a call": [
    ...breaks(["reset", "closed", "end", "error", "silence"], ["behind a call"]),
    ...breaks(["reset", "silence", "error"], ["second call"]),
    ...breaks(["reset", "end"], ["before the finish"]),
  ],
  stalls: [
    { name: "silence before the head", make: () => [{ do: "hang", keepAlive: false }] },
    ...breaks(["silence", "keep-alives only"], ["opening", "text", "arguments"]),
  ],
  "errors in a 200": GOOD_STATUS_ERRORS,
  hollow: HOLLOW,
  "no finish": breaks(["end"], ["text", "arguments", "second call", "before the finish"]),
} satisfies Record<string, readonly Fault[]>;

/** An answer that breaks when a client has shown some of its words. */
export function tornReply(exchange: Exchange): Reply {
  const actions = broken({ ...exchange, roll: () => TORN_AT }, "text", "reset");
  return { label: "torn text", kind: "fault", actions };
}

const TORN_AT = 0.5;

export type FaultGroup = keyof typeof FAULTS | "limits" | "odd";

/** A fault of a group as a reply. `limits` are not here: they hold for a time, which the injector keeps. */
export function faultReply(group: Exclude<FaultGroup, "limits">, exchange: Exchange): Reply {
  const at = exchange.roll("which");
  if (group === "odd") {
    const names = Object.keys(ODDITIES);
    const name = names[Math.floor(at * names.length)] ?? "";
    return { label: `odd: ${name}`, kind: "good", actions: ODDITIES[name]?.(exchange) ?? [] };
  }
  const faults: readonly Fault[] = FAULTS[group];
  const fault = faults[Math.floor(at * faults.length)];
  if (fault === undefined) throw new Error(`There is no fault in ${group}.`);
  return { label: fault.name, kind: "fault", actions: fault.make(exchange) };
}
