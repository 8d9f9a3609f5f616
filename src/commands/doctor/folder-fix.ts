import { shellWord } from "../../cli/shell-word.ts";

/** What keeps us from writing, and whose it is. */
export interface Blocked {
  path: string;
  isOwn: boolean;
  home: string;
}

const ELSEWHERE = "orouter's files elsewhere: OROUTER_HOME=/a/writable/folder";

/** What gives us a file or folder back. Only its owner can chmod it, and what lies outside the home is not ours to take. */
export function folderFix({ path, isOwn, home }: Blocked): string {
  const isAtHome = path === home || path.startsWith(`${home}/`);
  if (!isOwn && !isAtHome) return `Put ${ELSEWHERE}`;
  const command = isOwn ? "chmod u+rwX" : 'sudo chown "$(id -un)"';
  return `${command} ${shellWord(path)}, or put ${ELSEWHERE}`;
}
