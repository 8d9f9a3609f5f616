import { join } from "node:path";
import type { Job, JobResult } from "./job.ts";

/** The client's process, and the way to give it work. */
export interface LoadProcess {
  run: (job: Job) => Promise<JobResult>;
  stop: () => void;
}

export function startLoad(): LoadProcess {
  let answer: PromiseWithResolvers<JobResult> | undefined;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "processes", "load.ts")], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc: (result: JobResult) => answer?.resolve(result),
    onExit: () => answer?.reject(new Error("the load process has ended")),
  });
  return {
    run(job) {
      answer = Promise.withResolvers<JobResult>();
      child.send(job);
      return answer.promise;
    },
    stop: () => child.kill(),
  };
}
