/** One event as sent; comments are kept, so that tests can count them. */
export interface WireEvent {
  name: string;
  data: string;
  comment: string;
}

export function readEvents(text: string): WireEvent[] {
  return text
    .split(/\r?\n\r?\n/)
    .filter((block) => block !== "")
    .map((block) => {
      const field = (name: string) =>
        block
          .split(/\r?\n/)
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 2))
          .join("\n");
      return { name: field("event"), data: field("data"), comment: field("") };
    });
}

/** Keeps what arrived before a break. */
export async function readUntilBroken(response: Response): Promise<{ text: string; error: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}

/** The answer's text in either dialect, from all complete events. */
export function textOf(events: WireEvent[]): string {
  return events
    .map(({ data }) => {
      const value = parsed(data);
      if (value?.type === "response.output_text.delta") return value.delta ?? "";
      return value?.choices?.[0]?.delta?.content ?? "";
    })
    .join("");
}

export interface EventData {
  type?: string;
  delta?: string;
  choices?: {
    delta: { content?: string; reasoning_content?: string; tool_calls?: ToolDelta[] };
    finish_reason: string | null;
  }[];
  usage?: Record<string, number>;
  error?: { message: string };
  response?: { status: string; usage?: Record<string, number>; incomplete_details: unknown };
  item?: { type: string; name?: string; arguments?: string };
}

interface ToolDelta {
  id?: string;
  function: { name?: string; arguments: string };
}

/** Undefined if the data is not JSON. */
export function parsed(data: string): EventData | undefined {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
