import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { ownWords } from "../../../src/core/scrub.ts";
import { classifyFailure } from "../../../src/core/verdict/failure.ts";
import type { Fault, VerdictKind } from "../../../src/core/verdict/verdict.ts";

const failure = (parts: { name?: string; code?: string; message?: string; cause?: unknown }) =>
  Object.assign(new Error(parts.message ?? ""), parts);

test.each<[name: string, error: unknown, kind: VerdictKind, fault: Fault, rule: string]>([
  ["a refused connection", failure({ code: "ECONNREFUSED" }), "server-error", "attempt", "refused"],
  [
    "Bun's refused connection",
    failure({
      code: "ConnectionRefused",
      message: "Unable to connect. Is the computer able to access the url?",
    }),
    "server-error",
    "attempt",
    "refused",
  ],
  ["an unknown name", failure({ code: "ENOTFOUND" }), "server-error", "attempt", "name-unknown"],
  ["a broken connection", failure({ code: "ECONNRESET" }), "reset", "attempt", "connection-broke"],
  [
    "a socket that closed",
    failure({ message: "The socket connection was closed unexpectedly" }),
    "reset",
    "attempt",
    "connection-broke",
  ],
  [
    "a signal that timed out",
    failure({ name: "TimeoutError", message: "The operation timed out." }),
    "timeout",
    "attempt",
    "timed-out",
  ],
  [
    "a timeout further down",
    failure({ message: "fetch failed", cause: failure({ code: "UND_ERR_HEADERS_TIMEOUT" }) }),
    "timeout",
    "attempt",
    "timed-out",
  ],
  [
    "a certificate signed by nobody",
    failure({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    "server-error",
    "provider",
    "certificate",
  ],
  [
    "a certificate for another name",
    failure({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
    "server-error",
    "provider",
    "certificate",
  ],
  ["a broken handshake", failure({ code: "EPROTO" }), "reset", "attempt", "tls"],
  ["a thrown string", "boom", "reset", "attempt", "connection-broke"],
  ["nothing", undefined, "reset", "attempt", "connection-broke"],
])("%s", (_name, error, kind, fault, rule) => {
  expect(classifyFailure(error)).toMatchObject({ kind, fault, rule, status: 0, waitMs: undefined });
});

test("the address is not read for words and not repeated", () => {
  const verdict = classifyFailure(failure({ message: "read failed: http://me:pa55word@timeout.example/x" }));
  expect(verdict.kind).toBe("reset");
  expect(verdict.message).toBe(ownWords("The connection to the service broke."));
});

test("a circle of causes comes to an end", () => {
  const error = failure({ code: "ECONNREFUSED" });
  Object.assign(error, { cause: error });
  expect(classifyFailure(error).rule).toBe("refused");
});

test("what fetch really throws at a closed port is a refusal", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const error = await fetch(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason);
  expect(classifyFailure(error).rule).toBe("refused");
});

test("what fetch really throws when the peer hangs up is a broken connection", async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const error = await fetch(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason);
  server.close();
  expect(classifyFailure(error).kind).toBe("reset");
});

test("what fetch really throws when time is up is a timeout", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const error = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(20) }).catch(
    (reason: unknown) => reason,
  );
  server.close();
  expect(classifyFailure(error).kind).toBe("timeout");
});
