import { requestHead } from "../../core/http/request-head.ts";
import { Connection } from "./connection.ts";
import { Exchange } from "./exchange.ts";

/** A request for a service that is spoken to without TLS. */
export interface PlainRequest {
  url: string;
  method: string;
  fields: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
}

/** Where a URL leads. */
interface Place {
  host: string;
  hostname: string;
  port: number;
  target: string;
}

const USUAL_PORT = 80;

/** URLs remembered at a time: a provider has few, and all are asked for again. */
const MOST_PLACES = 200;

/** Requests up to this length share one buffer, so that nothing of their size has to be collected. */
const SCRATCH_BYTES = 256 * 1024;

const free = new Map<string, Connection[]>();
const places = new Map<string, Place>();
let scratch: Buffer | undefined;

/** Sends a request over a connection of our own: one that is free, or a new one. */
export function sendPlain({ url, method, fields, body }: PlainRequest): Exchange {
  const place = placeOf(url);
  const { target, host } = place;
  const head = requestHead({ method, target, host, fields, bodyBytes: body?.length });
  const exchange = new Exchange();
  const errand = { exchange, method, bytes: inOnePiece(head, body) };
  const connection = free.get(host)?.pop();
  if (connection === undefined) connectTo(place).open(errand);
  else connection.carry(errand);
  return exchange;
}

function connectTo({ host, hostname, port }: Place): Connection {
  return new Connection({
    hostname,
    port,
    onFree: (connection) => {
      const others = free.get(host) ?? [];
      others.push(connection);
      free.set(host, others);
    },
    onGone: (connection) => {
      const others = free.get(host)?.filter((other) => other !== connection) ?? [];
      if (others.length > 0) free.set(host, others);
      else free.delete(host);
    },
  });
}

function placeOf(url: string): Place {
  const before = places.get(url);
  if (before !== undefined) return before;
  const { host, hostname, port, pathname, search } = new URL(url);
  const place = {
    host,
    // An address of IPv6 stands in brackets only beside a port.
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? USUAL_PORT : Number(port),
    target: pathname + search,
  };
  if (places.size >= MOST_PLACES) places.clear();
  places.set(url, place);
  return place;
}

/** Head and body together are one call to the system. */
function inOnePiece(head: string, body: Uint8Array | undefined): Uint8Array {
  const size = head.length + (body?.length ?? 0);
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  const bytes = size <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(size);
  bytes.write(head, "latin1");
  if (body !== undefined) bytes.set(body, head.length);
  return bytes.subarray(0, size);
}
