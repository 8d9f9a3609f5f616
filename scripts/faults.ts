/** The fault suite in its long form: `bun run test:faults`. `bun test` runs the shorter one. */
const LIMIT_MS = 5 * 60_000;

const suite = Bun.spawn([process.execPath, "test", "--timeout", "60000", "test/faults"], {
  cwd: `${import.meta.dir}/..`,
  env: { ...process.env, OROUTER_FAULTS: "long" },
  stdio: ["inherit", "inherit", "inherit"],
});
const limit = setTimeout(() => {
  console.error(`The fault suite has taken more than ${LIMIT_MS / 60_000} minutes and was stopped.`);
  suite.kill();
}, LIMIT_MS);
const exitCode = await suite.exited;
clearTimeout(limit);
process.exit(exitCode);
