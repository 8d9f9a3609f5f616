#!/usr/bin/env node
// Stands where npm wants a program, finds the one for this machine among the optional packages, and becomes it.
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

/** Where glibc is, Node says so; both kinds may be installed by an npm that does not look. */
function packageNames() {
  const { platform, arch, report } = process;
  if (platform === "win32") return [`orouter-windows-${arch}`];
  if (platform !== "linux") return [`orouter-${platform}-${arch}`];
  // Asking the network for names of open sockets could take seconds.
  if (report) report.excludeNetwork = true;
  const isGlibc = report?.getReport().header.glibcVersionRuntime !== undefined;
  const names = [`orouter-linux-${arch}`, `orouter-linux-${arch}-musl`];
  return isGlibc ? names : names.reverse();
}

function findProgram() {
  const file = process.platform === "win32" ? "orouter.exe" : "orouter";
  for (const name of packageNames()) {
    try {
      return require.resolve(`${name}/bin/${file}`);
    } catch {
      // Not installed: perhaps the next one is.
    }
  }
  return undefined;
}

function start(program) {
  const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
  // The terminal sends these to the program as well: it decides.
  for (const signal of ["SIGINT", "SIGQUIT"]) process.on(signal, () => {});
  for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`orouter: ${program} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // For a signal that did not end us.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 200);
  });
}

const program = findProgram();
if (program === undefined) {
  console.error(
    [
      `orouter: there is no program for this machine (${process.platform} ${process.arch}).`,
      `It comes in an optional package, ${packageNames()[0]}. Install again without --omit=optional:`,
      "  npm install -g orouter",
    ].join("\n"),
  );
  process.exit(1);
}
start(program);
