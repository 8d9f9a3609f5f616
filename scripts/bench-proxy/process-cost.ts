import { readdirSync, readFileSync } from "node:fs";

const MICROSECONDS = 1000;

/** CPU time a process has used, in microseconds, all threads. The scheduler counts finer than `stat` does. */
export function cpuMicros(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // A thread that ends between the listing and the reading.
    }
  }
  return nanoseconds / MICROSECONDS;
}

/** Memory a process holds, in MB. */
export function memoryMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
