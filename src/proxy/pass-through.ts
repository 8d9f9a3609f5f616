import type { ByteReader } from "./reply.ts";

/**
 * A body carried on unread. Through a pump and not as it is: Bun prints a broken connection of a body it relays by
 * itself, and that would land in the middle of opencode's screen.
 */
export function passThrough(
  reader: ByteReader,
  onEnd: (isWhole: boolean) => void = () => {},
): ReadableStream<Uint8Array> {
  let isOver = false;
  const end = (isWhole: boolean): void => {
    if (isOver) return;
    isOver = true;
    onEnd(isWhole);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          // A client that left while we read has already been taken care of.
          if (isOver) return;
          if (!done) return controller.enqueue(value);
          end(true);
          controller.close();
        } catch (cause) {
          if (isOver) return;
          end(false);
          controller.error(cause);
        }
      },
      cancel() {
        end(false);
        void reader.cancel().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
