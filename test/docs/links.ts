import { proseOf, readPage } from "./pages.ts";

/** The target of a link: a file relative to the page (empty: the page itself), and a heading in it. */
export interface PageLink {
  text: string;
  file: string;
  anchor: string | undefined;
}

/** Links and pictures that point to our own files. */
export function linksOf(page: string): PageLink[] {
  const prose = proseOf(page).replaceAll(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\[([^\]]*)\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(
    ([, text = "", file = "", anchor]) => ({ text, file, anchor }),
  );
}

/** The anchors of headings, as GitHub makes them. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page, readPage(page)).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    let anchor = slug;
    for (let twin = 1; anchors.has(anchor); twin++) anchor = `${slug}-${twin}`;
    anchors.add(anchor);
  }
  return anchors;
}
