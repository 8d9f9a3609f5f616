const DOUBLED = /\/v1\/+v1(?:\/|$)/;

/** Whether an address has the most common mistake of all: `/v1/v1`. */
export function hasDoubledVersion(address: string): boolean {
  return DOUBLED.test(address);
}
