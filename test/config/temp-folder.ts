import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../src/core/problem.ts";

/** A temporary folder, removed when its scope ends. */
export function tempFolder(): { path: string; in: (name: string) => string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "orouter-test-"));
  return {
    path,
    in: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The Problem that the work throws; any other error is thrown on. */
export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("no problem came");
}

export function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

export function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Runs work as a user to whom file modes apply: root may write anywhere. */
export async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  const nobody = 65_534;
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
