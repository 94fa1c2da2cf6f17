import { match, ok, strictEqual } from "node:assert/strict";
import { FLAG_NAMES } from "../../lib/cli/flags.ts";
import { edgekeyd, type EdgekeydOptions } from "../support/edgekeyd_process.ts";
import { freePort } from "../support/etcd_server.ts";
import { expectExit, reportOf, shown } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

/** Starting a process takes most of the time, so that a few run side by side. */
async function all(runs: readonly (() => Promise<void>)[]): Promise<void> {
  const open = [...runs];
  const worker = async () => {
    for (let run = open.shift(); run; run = open.shift()) await run();
  };
  await Promise.all([worker(), worker(), worker()]);
}

Deno.test("command line: help and version go to stdout, exit 0", async () => {
  const [help, word, version] = await Promise.all([["--help"], ["help"], ["--version"]]
    .map((args) => edgekeyd(args)));
  ok(help && word && version);
  for (const result of [help, word, version]) expectExit(result, 0);
  strictEqual(word.stdout, help.stdout);
  for (const name of FLAG_NAMES) ok(help.stdout.includes(`--${name}`), name);
  for (const command of ["status", "keys", "owners", "verify", "delete-component", "retire"]) {
    match(help.stdout, new RegExp(`^  edgekeyd ${command}`, "m"));
  }
  match(help.stdout, /EDGEKEYD_CACHE_DIR/);
  const defaults = {
    "settle-time": "2s",
    "etcd-timeout": "5s",
    "lock-timeout": "30s",
    "etcd-max-txn-ops": "128",
    "etcd-max-request-bytes": "1572864",
    "etcd-prefix": "/registry",
  };
  for (const [name, value] of Object.entries(defaults)) {
    match(help.stdout, new RegExp(`^  --${name} .*\\(default ${value}\\)$`, "m"));
  }
  match(help.stdout, /Exit status: 0 .* 1 .* 2 .* 3 /);
  match(version.stdout, /^edgekeyd \d+\.\d+\.\d+(-[\w.]+)? \(commit \w+\+?, Deno [\d.]+, .*\)\n$/);
});

Deno.test("command line: what is wrong is exit 2, one line, nothing on stdout", async () => {
  const wrong: [string[], RegExp, EdgekeydOptions?][] = [
    [["--dry-run"], /--dry-run goes with --reconcile/],
    [["frobnicate"], /unknown command "frobnicate"; see --help$/],
    [["statu"], /unknown command "statu"; did you mean status\?$/],
    [["Verify"], /unknown command "Verify"; did you mean verify\?$/],
    [["delete-componet", "a"], /; did you mean delete-component\?$/],
    [["reconcil"], /unknown command "reconcil"; did you mean reconcile\?$/],
    [["verison"], /unknown command "verison"; did you mean version\?$/],
    [["help", "statsu"], /unknown command "statsu"; did you mean status\?$/],
    [["statsu", "--help"], /unknown command "statsu"; did you mean status\?$/],
    [
      ["help", "status", "x"],
      /wrong number of arguments for help; usage: edgekeyd help \[COMMAND\]$/,
    ],
    [["version", "x"], /wrong number of arguments for version/],
    [["completion"], /wrong number of arguments for completion/],
    [["completion", "tcsh"], /completion takes bash, zsh, fish$/],
    [["reconcile", "keys"], /--reconcile takes no command/],
    [["x".repeat(100_000)], /unknown command "x{80}"; see --help$/],
    [["--cachedir=/x", "--reconcile"], /unknown flag --cachedir=\/x; did you mean --cache-dir\?$/],
    [["--reconcil"], /unknown flag --reconcil; did you mean --reconcile\?$/],
    [["-cache-dir=/x"], /unknown flag -cache-dir=\/x; did you mean --cache-dir\?$/],
    [["run", "--ETCD_SERVERS=x"], /unknown flag .*; did you mean --etcd-servers\?$/],
    [[`--${"x".repeat(100_000)}`], /unknown flag --x{78}; see --help$/],
    [["--reconcile", "keys"], /--reconcile takes no command/],
    [["--reconcile", "--frobnicate"], /unknown flag --frobnicate/],
    [["--reconcile", "--frobnicate=1"], /unknown flag --frobnicate/],
    [["--reconcile", "-x"], /unknown flag -x; see --help$/],
    [["--reconcile", "--no-reconcile"], /unknown flag --no-reconcile/],
    [
      ["--reconcile", "--cache-dirs=/x"],
      /unknown flag --cache-dirs=\/x; did you mean --cache-dir\?/,
    ],
    [["keys", "--dry-run"], /--dry-run goes with --reconcile/],
    // What narrows a run must not seem to narrow what deletes everything.
    [["retire", "--components=a"], /--components goes with --reconcile or run/],
    [["verify", "--exclude-resources=pods"], /--exclude-resources goes with --reconcile or run/],
    [["keys", "a", "b", "c"], /wrong number of arguments for keys/],
    [["owners"], /wrong number of arguments for owners/],
    [["status", "x"], /wrong number of arguments for status/],
    [["delete-component"], /wrong number of arguments for delete-component/],
    [["delete-component", "a/b"], /delete-component takes the name of a component/],
    // A flag without its value, in all its guises.
    [["--reconcile", "--cache-dir"], /--cache-dir needs a value/],
    [["--reconcile", "--cache-dir="], /--cache-dir needs a value/],
    [["--reconcile", "--cache-dir", "--dry-run"], /--cache-dir needs a value/],
    [["--reconcile", "--max-delete-percent", "-3"], /--max-delete-percent needs a value/],
    [["--reconcile", "--max-delete-percent=-3"], /--max-delete-percent takes a whole number/],
    [["--reconcile", "-o"], /--output needs a value/],
    // Twice.
    [["--reconcile", "--cache-dir=/a", "--cache-dir=/b"], /--cache-dir was given twice/],
    [["--reconcile", "--output=text", "-o", "json"], /--output was given twice/],
    [["--reconcile", "--reconcile"], /--reconcile was given twice/],
    // Each kind of value.
    [["--reconcile=maybe"], /--reconcile takes no value, or =true or =false/],
    [["--reconcile", "-o", "yaml"], /--output takes text or json/],
    [["--reconcile", "--conflict-policy=mine"], /--conflict-policy takes fresher or skip/],
    [["--reconcile", "--etcd-max-txn-ops=2"], /--etcd-max-txn-ops takes a whole number from 3/],
    [["--reconcile", "--etcd-max-txn-ops=1e3"], /--etcd-max-txn-ops takes a whole number/],
    [["--reconcile", "--max-object-bytes=0"], /--max-object-bytes takes a whole number from 1/],
    [["--reconcile", "--max-delete-percent=101"], /--max-delete-percent .* from 0 to 100/],
    [["--reconcile", "--etcd-timeout=5"], /--etcd-timeout takes a duration such as/],
    [["--reconcile", "--settle-time=soon"], /--settle-time takes a duration/],
    [["--reconcile", "--lock-timeout=-1s"], /--lock-timeout takes a duration/],
    [["--reconcile", "--components=a,,b"], /--components takes a comma-separated list/],
    [["--reconcile", "--components=a/b"], /--components takes names of directories/],
    [["--reconcile", "--components=.."], /--components takes names of directories/],
    [["--reconcile", "--exclude-resources=pods core"], /--exclude-resources takes resources, as/],
    [["--reconcile", "--exclude-resources=pods,."], /--exclude-resources takes resources, as/],
    [["--reconcile", "--node-name=Not_A_Node"], /--node-name takes a node's name/],
    [["--reconcile", "--etcd-prefix=registry"], /--etcd-prefix takes a path/],
    [["--reconcile", "--etcd-prefix=/registry/"], /--etcd-prefix takes a path/],
    [["--reconcile", "--etcd-prefix=/edgekeyd/x"], /--etcd-prefix .* \/edgekeyd is ours/],
    [["--reconcile", "--etcd-servers=ftp://h"], /--etcd-servers: "ftp:\/\/h" is neither/],
    [["--reconcile", "--etcd-servers=h:0"], /--etcd-servers: "h:0" has a port outside/],
    [["--reconcile", "--etcd-servers=http://a,https://b"], /--etcd-servers mixes http and https/],
    [["--reconcile", "--etcd-certfile=/c"], /--etcd-certfile and --etcd-keyfile go together/],
    [["--reconcile", "--etcd-cafile=/c", "--etcd-servers=http://h"], /-cafile.* need https:\/\//],
    [["run", "--etcd-servers=https://h"], /https:\/\/ endpoints need --etcd-cafile/],
    [["status", "--etcd-servers=http://h"], /-cafile.* need https:\/\//, {
      env: { EDGEKEYD_ETCD_CAFILE: "/c" },
    }],
    [["--reconcile", "--etcd-username=u"], /--etcd-username and --etcd-password-file go together/],
    [["--reconcile", "--cache-dir=/c", "--state-dir=/c/s"], /--state-dir must not be inside/],
    // Confirming is for once, and not for a daemon to do again and again.
    [["run", "--confirm-deletes"], /--confirm-deletes .* does not go with run; .*--reconcile/],
    [["--confirm-deletes"], /beside the daemon run `edgekeyd --reconcile --confirm-deletes`$/],
    [["run"], /EDGEKEYD_CONFIRM_DELETES\) confirms once/, {
      env: { EDGEKEYD_CONFIRM_DELETES: "1" },
    }],
    [["status", "--confirm-deletes"], /--confirm-deletes goes with --reconcile/],
    // The environment is held to the same.
    [["retire"], /--dry-run \(or EDGEKEYD_DRY_RUN\) goes with --reconcile, not retire/, {
      env: { EDGEKEYD_DRY_RUN: "1" },
    }],
    [["--reconcile"], /EDGEKEYD_DRY_RUN takes true, false, 1 or 0/, {
      env: { EDGEKEYD_DRY_RUN: "yes" },
    }],
    [["--reconcile"], /EDGEKEYD_SETTLE_TIME takes a duration/, {
      env: { EDGEKEYD_SETTLE_TIME: "2" },
    }],
    [["--reconcile"], /EDGEKEYD_OUTPUT takes text or json/, { env: { EDGEKEYD_OUTPUT: "xml" } }],
    [["keys"], /EDGEKEYD_HELP takes true, false, 1 or 0/, { env: { EDGEKEYD_HELP: "yes" } }],
  ];
  await all(wrong.map(([args, says, options]) => async () => {
    expectExit(await edgekeyd(args, options), 2, says);
  }));
});

Deno.test("command line: flags come from the environment too, and win over it", async () => {
  const dead = `127.0.0.1:${freePort()}`;
  using node = new EdgeNode(dead);
  const env = {
    EDGEKEYD_RECONCILE: "1",
    EDGEKEYD_DRY_RUN: "true",
    EDGEKEYD_OUTPUT: "json",
    EDGEKEYD_ADOPT: "0",
    EDGEKEYD_CONFIRM_DELETES: "true",
    EDGEKEYD_CACHE_DIR: node.cacheDir,
    EDGEKEYD_STATE_DIR: node.stateDir,
    EDGEKEYD_ETCD_SERVERS: dead,
    EDGEKEYD_ETCD_TIMEOUT: "200ms",
  };
  const [fromEnv, flagWins, off, help] = await Promise.all([
    edgekeyd([], { env }),
    edgekeyd(["--output=text"], { env }),
    edgekeyd(["keys"], { env: { ...env, EDGEKEYD_RECONCILE: "0" } }),
    edgekeyd([], { env: { ...env, EDGEKEYD_HELP: "1" } }),
  ]);
  ok(fromEnv && flagWins && off && help);
  expectExit(fromEnv, 1, new RegExp(`can't reach etcd at http://${dead}`));
  strictEqual(reportOf(fromEnv, { dryRun: true }).status, "failed", shown(fromEnv));
  expectExit(flagWins, 1);
  strictEqual(flagWins.stdout, "");
  // What goes with --reconcile alone does no harm in the environment of another command.
  expectExit(
    off,
    1,
    /no component-key cache in .*run `edgekeyd --reconcile --state-dir \S+` first, with --etcd-servers/,
  );
  expectExit(help, 0);
  match(help.stdout, /^Usage:/m);
});
