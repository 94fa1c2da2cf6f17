import { deepStrictEqual, match, ok } from "node:assert/strict";
import { COMMAND_USES } from "../../lib/cli/commands.ts";
import { FLAG_NAMES } from "../../lib/cli/flags.ts";
import { manPage } from "../../scripts/lib/man_page.ts";

Deno.test("the man page has a paragraph for each command and flag, and no line that roff would take", () => {
  const page = manPage("2026-01-31");
  match(page, /^\.TH EDGEKEYD 8 "2026-01-31" "edgekeyd \d/);
  const plain = page.replaceAll("\\-", "-");
  for (const { usage, help } of Object.values(COMMAND_USES)) {
    ok(plain.includes(`.TP\n.B "${usage}"\n${help}`), usage);
  }
  for (const name of FLAG_NAMES) match(plain, new RegExp(`^\\.B "(-\\w, )?--${name}( |")`, "m"));
  match(plain, /\.B "3"\nIn step but for .* waits for a rewrite\./);
  const requests = page.split("\n").filter((line) => /^[.']/.test(line));
  const unknown = requests.filter((line) => !/^\.(TH|SH|TP|B|BR|PP)( |$)/.test(line));
  deepStrictEqual(unknown, []);
});
