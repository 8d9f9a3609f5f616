/** What a provider has seen of the calls to it. */
export interface Calls {
  host: string;
  port: number;
  /** When each call began, in ms. */
  starts: number[];
  /** The most calls at the same time. */
  most: number;
  /** The most calls that began within any 60 s. */
  mostInAMinute: () => number;
  /** The share of so many places that was in use, from the first call to the last. */
  busyShare: (places: number) => number;
}

const ANSWER = JSON.stringify({
  id: "answer",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
});

/** A provider that answers each call after the same time and counts. */
export function countingProvider(answerMs: number, host = "127.0.0.1"): Calls {
  const starts: number[] = [];
  let now = 0;
  let busyMs = 0;
  let endMs = 0;
  const calls: Calls = {
    host,
    port: 0,
    starts,
    most: 0,
    mostInAMinute: () =>
      Math.max(0, ...starts.map((from) => starts.filter((ms) => ms >= from && ms < from + 60_000).length)),
    busyShare: (places) => busyMs / ((endMs - (starts[0] ?? endMs)) * places),
  };
  const server = Bun.serve({
    hostname: host,
    port: 0,
    fetch: async (request) => {
      if (request.method !== "POST") return new Response("{}", { status: 404 });
      const begunMs = performance.now();
      starts.push(begunMs);
      calls.most = Math.max(calls.most, ++now);
      await Bun.sleep(answerMs);
      now--;
      endMs = performance.now();
      busyMs += endMs - begunMs;
      return new Response(ANSWER, { headers: { "content-type": "application/json" } });
    },
  });
  calls.port = server.port ?? 0;
  return calls;
}
