import { strictEqual } from "node:assert/strict";
import { withStateDir } from "../../lib/own_commands.ts";

const TEXT = "run `edgekeyd --reconcile`, then `edgekeyd owners`; see `systemctl status edgekeyd`";

Deno.test("withStateDir(): each command of edgekeyd's names the directory, once, as a shell takes it", () => {
  strictEqual(withStateDir(TEXT, undefined), TEXT);
  const named = withStateDir(TEXT, "/srv/state");
  strictEqual(
    named,
    "run `edgekeyd --reconcile --state-dir /srv/state`, then " +
      "`edgekeyd owners --state-dir /srv/state`; see `systemctl status edgekeyd`",
  );
  strictEqual(withStateDir(named, "/srv/state"), named);
  strictEqual(
    withStateDir("`edgekeyd status`", "/srv/my state"),
    "`edgekeyd status --state-dir '/srv/my state'`",
  );
  // A usage is no command, and what can't stand in every line is left out.
  const usage = "it is `edgekeyd help [COMMAND]`";
  strictEqual(withStateDir(usage, "/srv/state"), usage);
  for (const odd of ["/srv/it's", '/srv/"', "/srv/\\", "/srv/\n"]) {
    strictEqual(withStateDir("`edgekeyd status`", odd), "`edgekeyd status`");
  }
});
