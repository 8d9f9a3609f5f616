import { MalformedReply } from "./malformed-reply.ts";

/** How the end of a body is told (RFC 9112 §6.3). */
export type Framing =
  | { kind: "length"; bytes: number }
  | { kind: "chunked" }
  /** It ends with its connection. */
  | { kind: "until-close" };

/** The head of a reply. */
export interface ReplyHead {
  status: number;
  /** By their names in small letters; several fields of one name are one, with commas between. */
  fields: Record<string, string>;
  framing: Framing;
  /** Whether the connection may be used again behind the body. */
  staysOpen: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const UNSAFE = /[\0\r\n]/;
const EMPTY: Framing = { kind: "length", bytes: 0 };

/** More digits than any length has, and no more than a number is exact with. */
const MAX_DIGITS = 15;

/** Reads a head; the empty line behind it is no part of it. `method` is what was asked with. */
export function parseReplyHead(text: string, method: string): ReplyHead {
  const [first = "", ...lines] = text.split("\n");
  const [, minor, code] = STATUS_LINE.exec(first.trimEnd()) ?? [];
  if (code === undefined) throw new MalformedReply("the reply does not begin as HTTP does");
  // A name that is one of every object's own would otherwise be found there.
  const fields: Record<string, string> = Object.create(null);
  for (const line of lines) addField(fields, line);
  const status = Number(code);
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
  const framing = hasBody ? framingOf(fields) : EMPTY;
  return {
    status,
    fields,
    framing,
    staysOpen: framing.kind !== "until-close" && isKept(fields, minor === "1"),
  };
}

function addField(fields: Record<string, string>, line: string): void {
  const colon = line.indexOf(":");
  // Space in front of the colon has served to hide fields; it is taken off as RFC 9112 §5.1 has it.
  const name = line.slice(0, Math.max(0, colon)).trimEnd().toLowerCase();
  const value = line.slice(colon + 1).trim();
  if (!NAME.test(name) || UNSAFE.test(value))
    throw new MalformedReply("a line of the reply's head is no field");
  const before = fields[name];
  fields[name] = before === undefined ? value : `${before}, ${value}`;
}

function framingOf(fields: Record<string, string>): Framing {
  const coding = fields["transfer-encoding"];
  if (coding !== undefined) {
    // Beside a length it is what counts. Whatever else could be named here, nobody asked for.
    if (coding.toLowerCase() !== "chunked")
      throw new MalformedReply("the reply's transfer encoding is not known");
    return { kind: "chunked" };
  }
  const length = fields["content-length"];
  return length === undefined ? { kind: "until-close" } : { kind: "length", bytes: lengthOf(length) };
}

/** The same length twice is one; two of them are none. */
function lengthOf(value: string): number {
  const [length = "", ...others] = value.split(/\s*,\s*/);
  if (!/^\d+$/.test(length) || length.length > MAX_DIGITS || others.some((other) => other !== length))
    throw new MalformedReply("the reply's length is none");
  return Number(length);
}

function isKept(fields: Record<string, string>, isUsual: boolean): boolean {
  // A body with two ends is how one reply is passed off as two.
  if (fields["transfer-encoding"] !== undefined && fields["content-length"] !== undefined) return false;
  const wish = fields["connection"]?.toLowerCase() ?? "";
  return !wish.includes("close") && (isUsual || wish.includes("keep-alive"));
}
