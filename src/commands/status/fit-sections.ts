/** A part of a screen: lines that always show, then rows of which the last ones can be left out. */
export interface Section {
  head: readonly string[];
  rows: readonly string[];
  /** Has no end that would be worth counting to, as a log has none. */
  isOpenEnded?: boolean;
}

/** A section that shows fewer rows than this tells too little to be there at all. */
const MIN_ROWS = 1;

/** The lines of all sections, a blank line between them, in at most `maxLines`; what is left out is counted. */
export function fitSections(sections: readonly Section[], maxLines: number): string[] {
  const fixed = sections.reduce((sum, section) => sum + section.head.length, sections.length - 1);
  const shown = shares(
    sections.map((section) => section.rows.length),
    Math.max(maxLines - fixed, 0),
  );
  const lines = sections.flatMap((section, at) => [
    ...(at === 0 ? [] : [""]),
    ...section.head,
    ...cutRows(section, shown[at] ?? 0),
  ]);
  // Where not even the heads fit, the first sections are the ones that matter.
  return lines.slice(0, Math.max(maxLines, 0));
}

/** Gives everyone the same, and what one does not need to the others, those in front first. */
function shares(wanted: readonly number[], available: number): number[] {
  const given = wanted.map(() => 0);
  let left = available;
  while (left > 0) {
    const hungry = wanted.flatMap((want, at) => (want > (given[at] ?? 0) ? [at] : []));
    if (hungry.length === 0) break;
    for (const at of hungry) {
      if (left === 0) break;
      given[at] = (given[at] ?? 0) + 1;
      left--;
    }
  }
  return given;
}

function cutRows({ rows, isOpenEnded }: Section, room: number): string[] {
  if (rows.length <= room || isOpenEnded === true) return rows.slice(0, room);
  if (room <= 0) return [];
  // The line that counts the others takes the place of one of them.
  const kept = Math.max(room - 1, 0);
  if (kept < MIN_ROWS) return [`… ${rows.length} in all`];
  return [...rows.slice(0, kept), `… and ${rows.length - kept} more`];
}
