import type { ModelTraits } from "./model-entry.ts";

/** The traits of the first, and of the second where the first says nothing. */
export function fillTraits(first: ModelTraits, second: ModelTraits | undefined): ModelTraits {
  return {
    context: first.context ?? second?.context,
    output: first.output ?? second?.output,
    input: first.input ?? second?.input,
    toolCall: first.toolCall ?? second?.toolCall,
    reasoning: first.reasoning ?? second?.reasoning,
    inputs: first.inputs ?? second?.inputs,
    outputs: first.outputs ?? second?.outputs,
    cost: first.cost ?? second?.cost,
  };
}
