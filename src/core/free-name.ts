/** A name as it was wished for, or the first with a number behind it that nobody has: `work`, `work-2`, `work-3`. */
export function freeName(wish: string, isTaken: (name: string) => boolean): string {
  let name = wish;
  for (let number = 2; isTaken(name); number++) name = `${wish}-${number}`;
  return name;
}
