/** What the scripts that a person calls say when they are asked how that is done. */
import { match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const SCRIPTS = fromFileUrl(new URL("../../scripts", import.meta.url));

Deno.test("each script that a person calls answers --help and -h on stdout, does nothing else, and ends well", async () => {
  for (const name of ["bench", "build", "install.sh", "quickstart", "test"]) {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout, stderr } = await new Deno.Command(`${SCRIPTS}/${name}`, {
        args: [flag],
      }).output();
      const told = new TextDecoder().decode(stdout);
      match(told, new RegExp(`^usage: (scripts/)?${name.replace(".", "\\.")} `));
      strictEqual(new TextDecoder().decode(stderr), "", name);
      strictEqual(code, 0, name);
    }
  }
});
