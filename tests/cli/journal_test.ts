import { strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { isJournal } from "../../lib/cli/journal.ts";

Deno.test("stderr is the journal if JOURNAL_STREAM names it, by device and inode", () => {
  const cases: [string | undefined, boolean][] = [
    ["9:1212398", true],
    ["9:1212399", false],
    ["8:1212398", false],
    ["9:12", false],
    ["", false],
    [undefined, false],
  ];
  for (const [stream, expected] of cases) {
    const env = (name: string) => name === "JOURNAL_STREAM" ? stream : undefined;
    strictEqual(isJournal(env, () => ({ dev: 9, ino: 1212398 })), expected, String(stream));
  }
  const closed = () => {
    throw new Deno.errors.BadResource("Bad file descriptor");
  };
  strictEqual(isJournal(() => "9:1", closed), false);
});

Deno.test("the stderr that is asked is this process' own", async () => {
  const module = fromFileUrl(new URL("../../lib/cli/journal.ts", import.meta.url));
  const code = `import { isJournal } from ${JSON.stringify(module)};
    console.log(isJournal((name) => Deno.env.get(name)));`;
  const script = `stream=$(stat -L -c %d:%i /proc/self/fd/2)
    JOURNAL_STREAM=$stream "$@"; JOURNAL_STREAM=$stream "$@" 2>/dev/null`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", Deno.execPath(), "eval", code],
    stderr: "piped",
  }).output();
  strictEqual(new TextDecoder().decode(stdout), "true\nfalse\n");
});
