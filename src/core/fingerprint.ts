/** Length of a fingerprint in hex digits: 48 bits tell a person's keys apart and give nothing away. */
const DIGITS = 12;

/** The form of a secret that may be shown and stored. */
export function fingerprint(secret: string): string {
  return new Bun.CryptoHasher("sha256").update(`orouter:${secret}`).digest("hex").slice(0, DIGITS);
}
