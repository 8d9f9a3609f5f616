/** The first part of a request. */
export interface RequestHead {
  method: string;
  /** Path and query, as `URL` has them. */
  target: string;
  host: string;
  fields: Readonly<Record<string, string>>;
  /** Undefined where there is no body. */
  bodyBytes: number | undefined;
}

/** What a value may be made of (RFC 9110 §5.5): anything else could end its line, and begin another request. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Methods that have a body, be it an empty one. */
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

/** A request's head as it goes over the wire, each character a byte. */
export function requestHead({ method, target, host, fields, bodyBytes }: RequestHead): string {
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const name in fields) {
    const value = fields[name] ?? "";
    // Never the value itself: it may be a key.
    if (!VALUE.test(value)) throw new TypeError(`the header ${name} holds what no header may`);
    head += `${name}: ${value}\r\n`;
  }
  const length = bodyBytes ?? (WITH_BODY.has(method) ? 0 : undefined);
  return length === undefined ? `${head}\r\n` : `${head}content-length: ${length}\r\n\r\n`;
}
