/**
 * A body carried on unread. Through a pump and not as it is: Bun prints a broken connection of a body it relays by
 * itself, and that would land in the middle of opencode's screen.
 */
export function passThrough(
  body: ReadableStream<Uint8Array>,
  onEnd: (isWhole: boolean) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          onEnd(true);
          controller.close();
        } catch (cause) {
          onEnd(false);
          controller.error(cause);
        }
      },
      cancel() {
        onEnd(false);
        void reader.cancel().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
