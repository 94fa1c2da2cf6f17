import { deepStrictEqual, ok } from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** The pages that people read, by their paths below the root. */
function pages(): string[] {
  const names = (directory: string) =>
    [...Deno.readDirSync(new URL(directory, ROOT))]
      .filter(({ name }) => name.endsWith(".md"))
      .map(({ name }) => directory + name);
  return [...names("./"), ...names("./docs/")].sort();
}

/** What a page says, without its blocks of code. */
function prose(page: URL): string {
  return Deno.readTextFileSync(page).replaceAll(/^ *```[^]*?^ *```$/gm, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(page: URL): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** The links of a page that lead to nothing in this repository. */
function brokenLinks(page: string): string[] {
  const from = new URL(page, ROOT);
  const links = [...prose(from).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const to = new URL(target, from);
    const anchor = decodeURIComponent(to.hash.slice(1));
    to.hash = "";
    try {
      if (!Deno.statSync(to).isFile) return true;
    } catch {
      return true;
    }
    return anchor !== "" && !anchors(to).has(anchor);
  });
}

Deno.test("every link of README and docs leads to a file, and to a heading that it has", () => {
  ok(pages().length > 10);
  const broken = pages().flatMap((page) => brokenLinks(page).map((link) => `${page}: ${link}`));
  deepStrictEqual(broken, []);
});

Deno.test("every test that README and docs name is there", () => {
  let named = 0;
  const missing: string[] = [];
  for (const page of pages()) {
    for (const [path] of prose(new URL(page, ROOT)).matchAll(/(?<=`)tests\/[\w/.-]+\.ts(?=`)/g)) {
      named++;
      try {
        Deno.statSync(new URL(path, ROOT));
      } catch {
        missing.push(`${page}: ${path}`);
      }
    }
  }
  ok(named > 20);
  deepStrictEqual(missing, []);
});
