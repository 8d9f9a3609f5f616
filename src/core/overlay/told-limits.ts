export interface Limits {
  context: number;
  output: number;
  /** The longest prompt, if it is less than the window. */
  input?: number;
}

/**
 * opencode compacts the conversation when less than this remains beside the longest answer. Its own prompt and tools
 * take about 8,000 tokens: with less room it would compact an empty conversation again and again.
 */
const ROOM_FOR_PROMPT = 12_288;

/** The smallest window that opencode is told; a model with less rejects the request, which ends. */
export const SMALLEST_WINDOW = 16_384;

/** What opencode keeps free below a prompt limit; opencode 2 also below the window. */
const KEPT_FREE = 20_000;

/** Raises limits that would make opencode compact a new conversation. */
export function toldLimits(known: Omit<Limits, "input"> & { input: number | undefined }): Limits {
  const { context, output, input } = known;
  const window = Math.max(context, SMALLEST_WINDOW);
  const longest = Math.min(output, window - ROOM_FOR_PROMPT);
  const told = { context: window, output: longest };
  return input === undefined || input - Math.min(longest, KEPT_FREE) < ROOM_FOR_PROMPT
    ? told
    : { ...told, input };
}

/** opencode 2 keeps more free, so it needs a larger minimum. */
export function withRoomKept<T extends Limits>(limits: T): T {
  const { context, input } = limits;
  const smallest = ROOM_FOR_PROMPT + KEPT_FREE;
  return {
    ...limits,
    context: Math.max(context, smallest),
    ...(input === undefined ? {} : { input: Math.max(input, smallest) }),
  };
}
