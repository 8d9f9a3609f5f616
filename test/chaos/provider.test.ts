import { expect, test } from "bun:test";
import { DIALECTS, streamOf } from "../../scripts/chaos/answer.ts";
import { readAnswer } from "../../scripts/chaos/client.ts";
import { FAULTS, faultReply, LIMITS } from "../../scripts/chaos/faults.ts";
import { startProvider } from "../../scripts/chaos/provider.ts";
import { type Action, goodReply, ODDITIES } from "../../scripts/chaos/reply.ts";
import { exchangeOf } from "./samples.ts";

const CHAT = exchangeOf("chat");
const EXPECTED = JSON.stringify([
  CHAT.answer.text,
  CHAT.answer.calls.map((call) => [call.name, call.arguments]),
  ["tool_calls"],
]);

async function bodyOf(actions: Action[]): Promise<string> {
  const provider = await startProvider({
    models: ["model-1"],
    answer: () => ({ label: "", kind: "good", actions }),
  });
  try {
    const response = await fetch(`${provider.baseUrl}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "model-1", stream: true, messages: [] }),
    });
    return await response.text();
  } finally {
    await provider.stop();
  }
}

test("a good answer and every odd one bring the same to a client", async () => {
  expect(readAnswer(await bodyOf(goodReply(CHAT).actions)).answer).toBe(EXPECTED);
  for (const [name, make] of Object.entries(ODDITIES)) {
    if (name.startsWith("a whole completion") || name === "no end mark") continue;
    const body = await bodyOf(make(CHAT));
    expect([name, readAnswer(body).answer]).toEqual([name, EXPECTED]);
  }
});

test("the events of either dialect put the arguments of a call together again", () => {
  for (const dialect of ["chat", "responses"] as const) {
    const exchange = exchangeOf(dialect);
    const events = streamOf(exchange.answer, exchange.conversation)
      .filter(({ mark, call }) => (mark === "arguments" || mark === "call-end") && call === 1)
      .map(({ wire }) => JSON.parse(/data: (.*)/.exec(wire)?.[1] ?? "{}"));
    const whole =
      dialect === "chat"
        ? events.map((event) => event.choices[0].delta.tool_calls[0].function.arguments).join("")
        : events.at(-1).item.arguments;
    expect(whole).toBe(exchange.answer.calls[1]?.arguments ?? "");
  }
});

test("every fault of every group can be made, and none of them is a whole answer", () => {
  for (const dialect of ["chat", "responses"] as const) {
    for (const group of Object.keys(FAULTS) as (keyof typeof FAULTS)[]) {
      for (const at of FAULTS[group].keys()) {
        const roll = (at + 0.5) / FAULTS[group].length;
        const { label, actions } = faultReply(group, exchangeOf(dialect, roll));
        const text = actions.map((action) => (action.do === "chunk" ? String(action.data) : "")).join("");
        const hasFinish = /"finish_reason":"(stop|tool_calls)"|"type":"response.completed"/.test(text);
        const hasAnswer = text.includes("echo two >> ran.log");
        expect([label, hasFinish && hasAnswer]).toEqual([label, false]);
      }
    }
  }
});

test("a limit names the time that is left", () => {
  const [inSeconds] = LIMITS[0]?.reply(2100) ?? [];
  expect(inSeconds?.do === "raw" && inSeconds.text).toContain("retry-after: 3\r\n");
});

test("a whole completion has what the stream has", () => {
  const whole = JSON.stringify(DIALECTS.chat.whole(CHAT.answer));
  expect(whole).toContain(JSON.stringify(CHAT.answer.text));
  expect(whole).toContain('"finish_reason":"tool_calls"');
});
