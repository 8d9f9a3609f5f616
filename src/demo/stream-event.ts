/** One server-sent event before it becomes bytes. */
export interface StreamEvent {
  /** The event's name, which only the responses dialect sends. */
  name?: string;
  data: Record<string, unknown> | string;
  /** It carries a piece of text, reasoning or tool arguments: what timing and faults count. */
  isToken: boolean;
}

/** The event as it stands on the wire. */
export function wireForm(event: StreamEvent, crlf = false): string {
  const data = typeof event.data === "string" ? event.data : JSON.stringify(event.data);
  const name = event.name === undefined ? [] : [`event: ${event.name}`];
  const newline = crlf ? "\r\n" : "\n";
  return [...name, `data: ${data}`, "", ""].join(newline);
}
