import { createConsola, LogLevels } from "consola";

/**
 * What a command has to say beside its data: to stderr, with a mark in a terminal and a plain word elsewhere. The
 * level is set, since consola would fall silent in a test or a pipeline.
 */
export const talk = createConsola({
  level: LogLevels.info,
  stdout: process.stderr,
  stderr: process.stderr,
  formatOptions: { date: false },
});
