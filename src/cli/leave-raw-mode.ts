/** Has the keyboard make lines and signals again. A terminal that was closed has no mode to give back. */
export function leaveRawMode(stdin: { setRawMode: (isRaw: boolean) => unknown }): void {
  try {
    stdin.setRawMode(false);
  } catch {
    // Whoever leaves because the terminal is gone is not to be held up by that.
  }
}
