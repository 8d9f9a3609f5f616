/** What some work comes to, if it does so in time; the work goes on either way. */
export async function within<T>(work: Promise<T>, waitMs: number): Promise<T | undefined> {
  if (waitMs <= 0) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, waitMs, undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
