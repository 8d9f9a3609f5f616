import { expect, test } from "bun:test";
import { functionName } from "../../../src/core/dialect/responses/tools.ts";
import { AnswerTranslator, translateRequest } from "../../../src/core/dialect/translate.ts";
import { asArray, asObject, type JsonObject } from "../../../src/core/json.ts";

const WAY = { from: "responses", to: "chat", leavesOutHosted: true } as const;

const FUNCTION = {
  type: "function",
  name: "close_agent",
  description: "Close it",
  parameters: { type: "object" },
};
const TOOLS = [
  { type: "function", name: "exec_command", parameters: { type: "object" } },
  { type: "namespace", name: "multi_agent_v1", description: "Agents", tools: [FUNCTION] },
  {
    type: "custom",
    name: "apply_patch",
    description: "Patch.",
    format: { type: "grammar", syntax: "lark", definition: "start: x" },
  },
  { type: "web_search" },
];

function translated(body: JsonObject) {
  const done = translateRequest(WAY, { model: "m", stream: true, input: "hi", ...body });
  if (done.kind !== "translated") throw new Error(done.why);
  return done;
}

function toolNames(body: JsonObject): unknown[] {
  return asArray(body["tools"]).map((tool) => asObject(asObject(tool)["function"])["name"]);
}

test("tools in namespaces and with free text become functions; those of the provider are left out", () => {
  const { body } = translated({ tools: TOOLS });
  expect(toolNames(body)).toEqual(["exec_command", "multi_agent_v1__close_agent", "apply_patch"]);
  const [, , patch] = asArray(body["tools"]).map((tool) => asObject(asObject(tool)["function"]));
  expect(patch).toMatchObject({ parameters: { required: ["input"] } });
  expect(patch?.["description"]).toContain("start: x");
});

test("tools that come as an item of the input count as well", () => {
  const item = { type: "additional_tools", role: "developer", tools: TOOLS };
  const { body } = translated({ input: [item, { role: "user", content: "hi" }] });
  expect(toolNames(body)).toEqual(["exec_command", "multi_agent_v1__close_agent", "apply_patch"]);
  expect(body["messages"]).toEqual([{ role: "user", content: "hi" }]);
});

test("a history with such calls, and with searches of another provider, is translated", () => {
  const { body } = translated({
    tools: TOOLS,
    input: [
      { role: "user", content: "hi" },
      { type: "web_search_call", id: "ws_1", status: "completed" },
      {
        type: "function_call",
        call_id: "1",
        namespace: "multi_agent_v1",
        name: "close_agent",
        arguments: "{}",
      },
      { type: "custom_tool_call", call_id: "2", name: "apply_patch", input: "*** Begin" },
      { type: "function_call_output", call_id: "1", output: "closed" },
      { type: "custom_tool_call_output", call_id: "2", output: "patched" },
    ],
  });
  expect(body["messages"]).toEqual([
    { role: "user", content: "hi" },
    {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "1", type: "function", function: { name: "multi_agent_v1__close_agent", arguments: "{}" } },
        { id: "2", type: "function", function: { name: "apply_patch", arguments: '{"input":"*** Begin"}' } },
      ],
    },
    { role: "tool", tool_call_id: "1", content: "closed" },
    { role: "tool", tool_call_id: "2", content: "patched" },
  ]);
});

test.each<[choice: unknown, written: unknown]>([
  [
    { type: "custom", name: "apply_patch" },
    { type: "function", function: { name: "apply_patch" } },
  ],
  ["auto", "auto"],
])("the tool choice %j becomes %j", (choice, written) => {
  expect(translated({ tools: TOOLS, tool_choice: choice }).body["tool_choice"]).toEqual(written);
});

/** The items of an answer with one call of a function, as the client gets them. */
function itemsFor(name: string, given: readonly string[]): JsonObject[] {
  const { tools } = translated({ tools: TOOLS });
  const names = { id: "1", model: "m", createdS: 0, wantsUsage: true, tools };
  const translator = new AnswerTranslator({ from: "chat", to: "responses" }, names);
  const chunk = (delta: JsonObject, finish: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const events = [
    chunk({ tool_calls: [{ index: 0, id: "c1", function: { name, arguments: "" } }] }),
    ...given.map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
    chunk({}, "tool_calls"),
  ].flatMap((event) => translator.push(event));
  const done = [...events, ...translator.end()].filter((event) => typeof event !== "string").map(asObject);
  return done
    .filter((event) => event["type"] === "response.output_item.done")
    .map((event) => asObject(event["item"]));
}

test("a call of a tool in a namespace comes back in its namespace", () => {
  expect(itemsFor("multi_agent_v1__close_agent", ['{"id"', ":1}"])).toMatchObject([
    {
      type: "function_call",
      namespace: "multi_agent_v1",
      name: "close_agent",
      call_id: "c1",
      arguments: '{"id":1}',
    },
  ]);
});

test.each<[given: string[], input: string]>([
  [['{"input":"*** Be', 'gin\\nx"}'], "*** Begin\nx"],
  [["*** Begin"], "*** Begin"],
  [['{"patch":"x"}'], '{"patch":"x"}'],
])("a call of a tool with free text comes back as text: %j", (given, input) => {
  expect(itemsFor("apply_patch", given)).toMatchObject([
    { type: "custom_tool_call", name: "apply_patch", call_id: "c1", input },
  ]);
});

test("a plain function keeps its name", () => {
  expect(itemsFor("exec_command", ["{}"])).toMatchObject([{ type: "function_call", name: "exec_command" }]);
});

test("names fit what every provider takes, stay the same, and differ where the tools do", () => {
  const long = "x".repeat(80);
  const names = [
    functionName("", "plain"),
    functionName("ns", "a.b"),
    functionName("ns", "a_b"),
    functionName("ns", `${long}1`),
    functionName("ns", `${long}2`),
  ];
  expect(names[0]).toBe("plain");
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[\w-]{1,64}$/);
  expect(functionName("ns", `${long}1`)).toBe(names[3] ?? "");
});
