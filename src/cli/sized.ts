/** What a terminal that does not tell its size is taken for. */
export const USUAL_SIZE = { columns: 80, rows: 24 };

interface Sized {
  columns?: number;
  rows?: number;
}

/** The same stream, of the usual size where it says it has none: prompts would set every letter on a line of its own. */
export function sized<Stream extends Sized>(stream: Stream): Stream {
  if (stream.columns === 0) stream.columns = USUAL_SIZE.columns;
  if (stream.rows === 0) stream.rows = USUAL_SIZE.rows;
  return stream;
}
