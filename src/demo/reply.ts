/** A call to a tool, as a model would make it. `arguments` is the JSON text, piece by piece on the wire. */
export interface ToolCall {
  name: string;
  arguments: string;
  id?: string;
}

/** How an answer breaks off. `close` is a FIN inside the body, `end` a clean end that never said it was done. */
export interface Cut {
  afterTokens: number;
  how: "reset" | "close" | "stall" | "end" | "error-event";
  /** What the error event carries; only for `error-event`. */
  error?: Record<string, unknown>;
}

/** Compressions that an answer can be forced into, whatever the caller asked for. */
export type Encoding = "gzip" | "br" | "zstd";

/** A good answer, in the dialect and form the caller asked for, with the faults and the timing laid over it. */
export interface Answer {
  kind: "answer";
  /** A string is cut into words; a list is sent as the tokens it names. */
  text: string | string[];
  reasoning?: string | string[];
  toolCalls?: ToolCall[];
  headers?: Record<string, string>;
  /** Silence before the head. */
  headAfterMs?: number;
  /** Silence after the head, before the first token. An answer that is not a stream waits before its head. */
  firstTokenAfterMs?: number;
  /** The time between two tokens. */
  chunkEveryMs?: number;
  /** One long silence inside the stream. */
  pause?: { afterTokens: number; ms: number };
  /** A comment line each so many milliseconds while the stream is silent. */
  keepAliveEveryMs?: number;
  cut?: Cut;
  /** The stream's event with this number, from 1, is an extra one that is not JSON; no token is lost. */
  badJsonAt?: number;
  /** Leave out `[DONE]`, which only the chat dialect has. */
  omitDone?: boolean;
  /** Any word, also one that no client knows; null sends none at all. */
  finishReason?: string | null;
  /** Null sends none, even to a caller that asked for it. */
  usage?: { input: number; output: number } | null;
  /** Each event is flushed through the compression by itself. */
  encoding?: Encoding;
  crlf?: boolean;
  /** Write the body in pieces of so many bytes. */
  splitBytes?: number;
}

/** A refusal, or any other single body: an object becomes JSON, a string goes out as it is. */
export interface ErrorReply {
  kind: "error";
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  afterMs?: number;
  /** A few words for people, e.g. "weekly limit reached". */
  label?: string;
}

/** Bytes that no dialect knows: odd bodies, in-band errors, anything the other kinds cannot say. */
export interface RawReply {
  kind: "raw";
  status: number;
  headers?: Record<string, string>;
  chunks: (string | Uint8Array)[];
  chunkEveryMs?: number;
  /** How the body ends: cleanly unless said otherwise. */
  end?: "end" | "reset" | "close" | "stall";
}

/** What the scripted upstream does with one call. `hang` never sends a head, `reset` breaks off before it. */
export type Reply =
  | Answer
  | ErrorReply
  | RawReply
  | { kind: "models"; ids: string[] }
  | { kind: "hang" }
  | { kind: "reset" };
