import { expect, test } from "bun:test";
import { callId, progressOf, readConversation } from "../../scripts/chaos/conversation.ts";
import { type Evidence, judge, judgeHopeless } from "../../scripts/chaos/judge.ts";
import { SHELL_LOG, type Task, taskOf } from "../../scripts/chaos/task.ts";

function rightEvidence(task: Task): Evidence {
  return {
    task,
    files: new Map([...task.files, [SHELL_LOG, task.shellLines.map((line) => `${line}\n`).join("")]]),
    notes: [],
    stdout: `${task.steps.map(({ text }) => text).join("\n")}\n`,
    stderr: "",
    exitCode: 0,
    wasStopped: false,
  };
}

test("a session that did what the script says is right", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const task = taskOf(seed, "/project");
    expect(task.steps.length).toBeGreaterThanOrEqual(6);
    expect(task.steps.length).toBeLessThanOrEqual(12);
    expect(judge(rightEvidence(task)).faults).toEqual([]);
  }
});

test("each thing that a user would complain of is found", () => {
  const task = taskOf(1, "/project");
  const right = rightEvidence(task);
  const log = right.files.get(SHELL_LOG) ?? "";
  const final = task.steps.at(-1)?.text ?? "";
  const withLog = (text: string) => ({ files: new Map([...right.files, [SHELL_LOG, text]]) });
  const wrongs: [Partial<Evidence>, RegExp][] = [
    [{ exitCode: 1 }, /^exit code 1$/],
    [{ wasStopped: true }, /had to be stopped/],
    [{ stdout: "" }, /shown 0 times/],
    [{ stdout: `${final}\n${final}\n` }, /shown 2 times/],
    [{ stdout: `So th${final}\n` }, /put together from two answers/],
    [{ stdout: `${final.slice(0, 20)}\n` }, /does not end with the final text/],
    [withLog(`${log}${task.shellLines[0]}\n`), /ran 2 times/],
    [withLog(log.split("\n").slice(1).join("\n")), /ran 0 times/],
    [{ files: new Map([...right.files, ["notes.md", "other"]]) }, /^notes.md differs$/],
    [{ files: new Map([...right.files, ["more.md", ""]]) }, /more.md is no file of the task/],
  ];
  for (const [change, fault] of wrongs) {
    const { isRight, faults } = judge({ ...right, ...change });
    expect(isRight).toBe(false);
    expect(faults.join("\n")).toMatch(new RegExp(fault.source, "m"));
  }
});

test("a session that cannot end right ends once, with its words, in time, and runs nothing twice", () => {
  const task = taskOf(1, "/project");
  const right = { ...rightEvidence(task), exitCode: 1, stderr: "Error: it is over" };
  const faults = (change: Partial<Evidence>, late = { toldMs: 4_000, endMs: 9_000 }): string =>
    judgeHopeless({ ...right, ...change }, "it is over", late).join("; ");
  expect(faults({})).toBe("");
  expect(faults({ exitCode: 0 })).toContain("exit code 0");
  expect(faults({ stderr: "" })).toContain("shown 0 times");
  expect(faults({ stderr: "it is over, it is over" })).toContain("shown 2 times");
  expect(faults({ files: new Map([[SHELL_LOG, `${task.shellLines[0]}\n`.repeat(2)]]) })).toContain("once");
  expect(faults({}, { toldMs: 5_100, endMs: 6_000 })).toContain("told 5.1 s after");
  expect(faults({}, { toldMs: 1_000, endMs: 11_000 })).toContain("ended 11.0 s after");
});

const TASK: Task = {
  prompt: "go",
  steps: [
    {
      thinking: "",
      text: "First of all.",
      uses: [
        { tool: "shell", command: "a" },
        { tool: "shell", command: "b" },
      ],
    },
    { thinking: "", text: "The end.", uses: [] },
  ],
  files: new Map(),
  shellLines: [],
};

const chatCall = (id: string) => ({
  role: "assistant",
  content: "First of all.",
  tool_calls: [{ id, type: "function", function: { name: "bash", arguments: "{}" } }],
});
const chatResult = (id: string, content = "done") => ({ role: "tool", tool_call_id: id, content });
const progressOfChat = (messages: unknown[]) =>
  progressOf(readConversation("chat", JSON.stringify({ messages })), TASK);

test("a conversation says how far the task is, in either dialect", () => {
  const [one, two] = [callId(0, 0, 1), callId(0, 1, 2)];
  expect(progressOfChat([{ role: "user", content: "go" }])).toEqual({
    step: 0,
    done: new Set(),
    problems: [],
  });
  expect(progressOfChat([chatCall(one), chatResult(one)])).toEqual({
    step: 0,
    done: new Set([0]),
    problems: [],
  });
  const input = [
    { role: "user", content: [{ type: "input_text", text: "go" }] },
    ...[one, two].flatMap((id) => [
      { type: "function_call", call_id: id, name: "bash", arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "done" },
    ]),
  ];
  expect(progressOf(readConversation("responses", JSON.stringify({ input })), TASK)).toEqual({
    step: 1,
    done: new Set(),
    problems: [],
  });
});

test("what an honest history cannot contain is found", () => {
  const [one, again] = [callId(0, 0, 1), callId(0, 0, 2)];
  const problems = (messages: unknown[]) => progressOfChat(messages).problems.join("; ");
  expect(problems([chatCall(one)])).toContain("without a result");
  expect(problems([chatResult(one)])).toContain("without its call");
  expect(problems([chatCall(one), chatResult(one), chatResult(one)])).toContain("two results");
  expect(problems([chatCall(one), chatCall(one), chatResult(one)])).toContain("is there twice");
  expect(problems([chatCall(one), chatResult(one), chatCall(again), chatResult(again)])).toContain(
    "call 0.0 was carried out twice",
  );
});

test("a call that the agent stopped is still to be made, and is not one that ran twice", () => {
  const [one, again] = [callId(0, 0, 1), callId(0, 0, 2)];
  const stopped = [chatCall(one), chatResult(one, "Tool execution aborted")];
  expect(progressOfChat(stopped)).toEqual({ step: 0, done: new Set(), problems: [] });
  const { problems } = progressOfChat([...stopped, { ...chatCall(again), content: "" }, chatResult(again)]);
  expect(problems).toEqual([]);
});
