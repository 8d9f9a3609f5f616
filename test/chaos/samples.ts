import type { Conversation } from "../../scripts/chaos/conversation.ts";
import type { Exchange } from "../../scripts/chaos/reply.ts";

export function conversationOf(dialect: Conversation["dialect"]): Conversation {
  return {
    dialect,
    model: "model-1",
    wantsStream: true,
    wantsUsage: true,
    turns: [],
    tools: new Map([
      ["bash", ["command"]],
      ["write", ["filePath", "content"]],
    ]),
    fields: [],
  };
}

/** Contains everything that a fault can break. */
export function exchangeOf(dialect: Conversation["dialect"], roll = 0.5): Exchange {
  return {
    conversation: conversationOf(dialect),
    answer: {
      id: "1",
      model: "model-1",
      thinking: "Let me think about it.",
      text: "Two words in Łódź, then “京都”.",
      calls: [
        { id: "call_1_0_1", name: "bash", arguments: JSON.stringify({ command: "echo one >> ran.log" }) },
        { id: "call_1_1_1", name: "bash", arguments: JSON.stringify({ command: "echo two >> ran.log" }) },
      ],
    },
    roll: () => roll,
  };
}
