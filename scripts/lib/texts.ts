/**
 * Writes what a package has beside the program, and what is made of the program's tables: the man
 * page and what makes shells complete edgekeyd's commands.
 *
 *     deno run -A scripts/lib/texts.ts FOLDER DATE     as 2026-01-31
 *
 * @module
 */
import { completionText } from "../../lib/cli/completion.ts";
import { manPage } from "./man_page.ts";

const [folder = "", date = ""] = Deno.args;
if (folder === "" || !/^\d{4}-\d\d-\d\d$/.test(date)) {
  throw new Error("usage: texts.ts FOLDER DATE, as 2026-01-31");
}
Deno.writeTextFileSync(`${folder}/edgekeyd.8`, manPage(date));
for (const shell of ["bash", "zsh", "fish"]) {
  Deno.writeTextFileSync(`${folder}/edgekeyd.${shell}`, `${completionText(shell)}\n`);
}
