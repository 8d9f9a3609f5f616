import type { Job, JobResult } from "../job.ts";
import { Line } from "../line.ts";

/** The client of the benchmark, a process of its own: it takes one job after the other from its parent. */
process.on("message", (job: Job) => {
  void run(job).then((result) => process.send?.(result));
});

function run(job: Job): Promise<JobResult> {
  switch (job.kind) {
    case "sequence":
      return sequence(job);
    case "crowd":
      return crowd(job);
    case "streams":
      return streams(job);
    case "bulk":
      return bulk(job);
  }
}

/** One request after the other on one connection: the times to the first byte of each. */
async function sequence(job: Job): Promise<JobResult> {
  const line = await Line.open(job.port);
  const samples: number[] = [];
  for (let request = 0; request < job.count; request++) {
    const fromMs = performance.now();
    const reply = await line.ask(requestFor(job));
    samples.push((reply.firstByteMs - fromMs) * 1000);
    if (reply.status !== 200) throw new Error(`${job.path} answered ${reply.status}`);
  }
  line.close();
  return { samples };
}

/** Many connections, each asking again as soon as it is answered. */
async function crowd(job: Job): Promise<JobResult> {
  const lines = await Promise.all(Array.from({ length: job.connections }, () => Line.open(job.port)));
  const request = requestFor(job);
  const fromMs = performance.now();
  let left = job.count;
  let failed = 0;
  await Promise.all(
    lines.map(async (line) => {
      while (left-- > 0) if ((await line.ask(request)).status !== 200) failed++;
    }),
  );
  const seconds = (performance.now() - fromMs) / 1000;
  for (const line of lines) line.close();
  if (failed > 0) throw new Error(`${failed} of ${job.count} requests failed`);
  return { samples: [], rate: job.count / seconds };
}

/** Streams side by side: how late each event is behind the moment that it names. */
async function streams(job: Job): Promise<JobResult> {
  const samples: number[] = [];
  const note = (text: string, atMs: number): void => {
    for (const [, sentMs] of text.matchAll(/@(\d+\.\d+)/g)) samples.push((atMs - Number(sentMs)) * 1000);
  };
  const lines = await Promise.all(Array.from({ length: job.connections }, () => Line.open(job.port, note)));
  const replies = await Promise.all(lines.map((line) => line.ask(requestFor(job))));
  for (const line of lines) line.close();
  if (replies.some((reply) => reply.status !== 200)) throw new Error("not every stream was served");
  if (samples.length !== job.connections * job.count)
    throw new Error(`${samples.length} events of ${job.connections * job.count} came`);
  return { samples };
}

/** One long answer as fast as it comes, in MB a second. */
async function bulk(job: Job): Promise<JobResult> {
  const line = await Line.open(job.port);
  const fromMs = performance.now();
  const { bytes } = await line.ask(requestFor(job));
  const seconds = (performance.now() - fromMs) / 1000;
  line.close();
  if (bytes < job.count) throw new Error(`only ${bytes} bytes came`);
  return { samples: [], rate: bytes / 1e6 / seconds };
}

/** As an agent's are: code with quotes and line breaks in it, all escaped in JSON. */
const MESSAGE =
  'Look at this:\n\tif (name === "model") return read("src/main.ts");\nand say what is wrong.\n';

let models = 0;

function requestFor(job: Job): Buffer {
  const model = job.freshModels ? `fresh-${process.pid}-${models++}` : "bench";
  const messages = Array.from({ length: Math.max(1, job.bodyBytes / MESSAGE.length) }, (_, place) => ({
    role: place % 2 === 0 ? "user" : "assistant",
    content: MESSAGE,
  }));
  const stream = job.stream ? { stream: true, stream_options: { include_usage: true } } : {};
  const body = JSON.stringify({ model, ...stream, messages });
  const head = [
    `POST ${job.path} HTTP/1.1`,
    `host: 127.0.0.1:${job.port}`,
    `authorization: Bearer ${job.token}`,
    "content-type: application/json",
    "accept: */*",
    "user-agent: bench",
    "x-session-id: ses_bench",
    `content-length: ${body.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`, "latin1");
}
