import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { COMMAND_USES, COMMANDS } from "../../lib/cli/commands.ts";
import { completionText } from "../../lib/cli/completion.ts";
import { flag, FLAG_NAMES } from "../../lib/cli/flags.ts";
import { commandHelp, helpText } from "../../lib/cli/help.ts";
import { main } from "../../lib/cli/main.ts";
import { versionText } from "../../lib/cli/version.ts";

/** Runs a command line on a node that has no settings. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, {
    env: () => undefined,
    envNames: () => [],
    hostname: () => "n1",
    terminal: {
      out: (line) => void out.push(line),
      err: (line) => void err.push(line),
      redraw() {},
      colour: false,
      watched: false,
    },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

Deno.test("help: a command has its own, by word and by flag, with the flags that go with it", async () => {
  strictEqual((await run("help")).out, helpText());
  match(helpText(), /3 in step but for .* waits for a rewrite to end\.$/s);
  for (const [name, { usage, help }] of Object.entries(COMMAND_USES)) {
    const byWord = await run("help", name);
    deepStrictEqual(byWord, { code: 0, out: commandHelp(name), err: "" });
    deepStrictEqual(await run(name, "--help"), byWord);
    deepStrictEqual(await run("-h", name), byWord);
    ok(byWord.out.startsWith(`Usage: edgekeyd ${usage}\n\n  ${help}`), byWord.out);
    // What only prints a text has no flag that matters, and is never out of step.
    const looks = Object.hasOwn(COMMANDS, name);
    strictEqual(/^ {2}--state-dir /m.test(byWord.out), looks, name);
    strictEqual(/^Exit status: /m.test(byWord.out), looks, name);
    strictEqual(/^ {2}--dry-run/m.test(byWord.out), name === "reconcile", name);
    strictEqual(/^ {2}--debounce/m.test(byWord.out), name === "run", name);
    strictEqual(
      /^ {2}--settle-time/m.test(byWord.out),
      name === "run" || name === "reconcile",
      name,
    );
  }
  deepStrictEqual(await run("--reconcile", "--help"), await run("help", "reconcile"));
});

Deno.test("version: the word says what the flag says", async () => {
  deepStrictEqual(await run("version"), { code: 0, out: versionText(), err: "" });
  deepStrictEqual(await run("version"), await run("--version"));
});

Deno.test("completion: the script of each shell names every command and every flag", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = completionText(shell);
    for (const name of Object.keys(COMMAND_USES)) match(script, new RegExp(`[ ':]${name}[ ':]`));
    for (const name of FLAG_NAMES) {
      match(script, new RegExp(`${shell === "fish" ? "-l " : "--"}${name}[ '=[]`), shell);
      const known = flag(name);
      if (known.kind === "choice") ok(script.includes(known.choices.join(" ")), name);
    }
  }
});

/** What bash offers at the end of a line, whose words are given as bash takes them apart. */
async function offered(words: readonly string[], first = ""): Promise<string[]> {
  const script = [
    first,
    completionText("bash"),
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${words.length - 1}`,
    "_edgekeyd",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["--noprofile", "--norc", "-c", script],
  }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test("completion: bash offers commands, flags, the choices of a flag, and files", async () => {
  deepStrictEqual(await offered(["edgekeyd", ""]), Object.keys(COMMAND_USES));
  deepStrictEqual(await offered(["edgekeyd", "st"]), ["status"]);
  deepStrictEqual(await offered(["edgekeyd", "reconcile", "--dr"]), ["--dry-run"]);
  deepStrictEqual(await offered(["edgekeyd", "status", "-o", ""]), ["text", "json"]);
  deepStrictEqual(await offered(["edgekeyd", "status", "--output", "=", "j"]), ["json"]);
  deepStrictEqual(await offered(["edgekeyd", "status", "--output", "="]), ["text", "json"]);
  deepStrictEqual(await offered(["edgekeyd", "run", "--node-name", ""]), []);
  deepStrictEqual(await offered(["edgekeyd", "run", "--cache-dir", "/et"]), ["/etc"]);
  // What follows a command is no command.
  deepStrictEqual(await offered(["edgekeyd", "status", ""]), []);
  deepStrictEqual(await offered(["edgekeyd", "-o", "json", "st"]), ["status"]);
  deepStrictEqual(await offered(["edgekeyd", "help", "st"]), ["status"]);
  deepStrictEqual(await offered(["edgekeyd", "completion", ""]), ["bash", "zsh", "fish"]);
  deepStrictEqual(await offered(["edgekeyd", "import-key-cache", "/et"]), ["/etc"]);
});

Deno.test("completion: bash offers a path with a blank as one, and takes only paths for names of files", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-completion-" });
  try {
    Deno.mkdirSync(`${directory}/a b`);
    const words = ["edgekeyd", "run", "--cache-dir", `${directory}/`];
    deepStrictEqual(await offered(words), [`${directory}/a b`]);
    // Else `edgekeyd run` would become `edgekeyd run/` in a folder that holds such a directory.
    const told = "compopt() { echo compopt; }";
    deepStrictEqual(await offered(words, told), ["compopt", `${directory}/a b`]);
    deepStrictEqual(await offered(["edgekeyd", "ru"], told), ["run"]);
    const [taken] = completionText("bash").split("\n").slice(-1);
    strictEqual(taken?.includes("filenames"), false);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
