/** JSON in a string in JSON in a string: more levels than three have not been seen. */
const MAX_DEPTH = 12;

/** Keys whose strings may be JSON of an upstream further back. Elsewhere a string is somebody's content. */
const WRAPPERS = /^(?:message|msg|errors?|details?|raw|body|cause)$/i;

/**
 * Opens JSON that gateways wrapped into message strings. Text around the JSON stays beside it:
 * `upstream said: {"error":…}` becomes `["upstream said:", {error: …}]`.
 */
export function unfold(value: unknown): unknown {
  return walk(value, "message", 0);
}

function walk(value: unknown, key: string, depth: number): unknown {
  if (depth > MAX_DEPTH) return value;
  if (typeof value === "string") return WRAPPERS.test(key) ? open(value, depth) : value;
  if (Array.isArray(value)) return value.map((entry) => walk(entry, key, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, walk(entry, name, depth + 1)]),
  );
}

function open(text: string, depth: number): unknown {
  return openFrom(text, "{", "}", depth) ?? openFrom(text, "[", "]", depth) ?? text;
}

function openFrom(text: string, first: string, last: string, depth: number): unknown {
  const start = text.indexOf(first);
  const end = text.lastIndexOf(last) + 1;
  if (start < 0 || end <= start) return undefined;
  const inner = parse(text.slice(start, end));
  // A list of plain values is wording, such as the "[502]" some gateways begin a message with.
  if (!isObject(inner) && !(Array.isArray(inner) && inner.some(isObject))) return undefined;
  const opened = walk(inner, "message", depth + 1);
  const around = [text.slice(0, start).trim(), text.slice(end).trim()].filter((part) => part !== "");
  return around.length === 0 ? opened : [...around, opened];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
