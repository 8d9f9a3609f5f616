/** One recorded reply and what it should be taken for. */
export interface RecordedReply {
  id: string;
  provider: string;
  endpoint: string;
  status: number;
  headers: Record<string, string>;
  body: unknown;
  class: string;
  accept?: string[];
  scope: string;
  retry_after_ms?: number;
}
