/** Sizes of a model as opencode is told of them, in tokens. */
export interface Limits {
  context: number;
  output: number;
  /** The longest prompt, where that is less than the window. */
  input?: number;
}

/**
 * opencode shortens the conversation when less than this is left beside the longest answer. Its own prompt and tools
 * take about 8 000 tokens: with less room than that it would shorten an empty conversation, and again, for ever.
 */
const ROOM_FOR_PROMPT = 12_288;

/** The smallest window opencode is told of; a model that really takes less refuses, and that comes to an end. */
export const SMALLEST_WINDOW = 16_384;

/** What opencode keeps free below a limit of the prompt; opencode 2 below the window, too. */
const KEPT_FREE = 20_000;

/** Limits that opencode can live with: none of them has it shorten a conversation that has hardly begun. */
export function toldLimits(known: Omit<Limits, "input"> & { input: number | undefined }): Limits {
  const { context, output, input } = known;
  const window = Math.max(context, SMALLEST_WINDOW);
  const longest = Math.min(output, window - ROOM_FOR_PROMPT);
  const told = { context: window, output: longest };
  return input === undefined || input - Math.min(longest, KEPT_FREE) < ROOM_FOR_PROMPT
    ? told
    : { ...told, input };
}

/** The same for opencode 2, which keeps more free: with a smaller window it would shorten what has hardly begun. */
export function withRoomKept<T extends Limits>(limits: T): T {
  const { context, input } = limits;
  const smallest = ROOM_FOR_PROMPT + KEPT_FREE;
  return {
    ...limits,
    context: Math.max(context, smallest),
    ...(input === undefined ? {} : { input: Math.max(input, smallest) }),
  };
}
