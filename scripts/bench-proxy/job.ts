/** What the load process is asked to do; it does one job at a time. */
export interface Job {
  kind: "sequence" | "crowd" | "streams" | "bulk";
  port: number;
  token: string;
  path: string;
  /** Requests, events of each stream, or bytes of the bulk answer. */
  count: number;
  connections: number;
  /** About as long as this. */
  bodyBytes: number;
  stream: boolean;
  /** Every request names a model that none has named before. */
  freshModels: boolean;
}

export interface JobResult {
  /** Times in microseconds. */
  samples: number[];
  /** Requests or megabytes a second. */
  rate?: number;
}
