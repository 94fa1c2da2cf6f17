import { COMMAND_USES } from "./commands.ts";
import { flag, FLAG_NAMES, type FlagName } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

const SHELLS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

/**
 * What makes a shell complete edgekeyd's commands and flags: the text of `edgekeyd completion`.
 *
 * @param shell its name
 * @returns a script in that shell's language
 * @throws {UsageError} for another shell
 */
export function completionText(shell: string): string {
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script) return script();
  throw new UsageError(`completion takes ${Object.keys(SHELLS).join(", ")}`);
}

/** Flags as they are written: with their aliases. */
function spellings(name: FlagName): string[] {
  const { alias } = flag(name);
  return alias === undefined ? [`--${name}`] : [`--${name}`, `-${alias}`];
}

function choices(name: FlagName): readonly string[] {
  const known = flag(name);
  return known.kind === "choice" ? known.choices : [];
}

function takesPath(name: FlagName): boolean {
  return flag(name).isPath === true || /-dir$/.test(name);
}

/** How bash is told to offer files: compopt has no say where no completion is under way. */
const BASH_FILES =
  'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")';

function bash(): string {
  const cases = FLAG_NAMES.filter((name) => flag(name).kind !== "boolean").map((name) => {
    const words = choices(name);
    const reply = words.length > 0
      ? `COMPREPLY=($(compgen -W '${words.join(" ")}' -- "$current"))`
      : takesPath(name)
      ? BASH_FILES
      : "COMPREPLY=()";
    return `    ${spellings(name).join(" | ")}) ${reply}; return ;;`;
  });
  const commands = Object.keys(COMMAND_USES);
  const ofFiles = commands.filter((name) => COMMAND_USES[name]?.usage.endsWith(" FILE"));
  return [
    "# bash completion for edgekeyd",
    "_edgekeyd() {",
    "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
    "  # bash takes --flag=value apart, in three words.",
    '  [ "$current" != = ] || current=',
    '  [ "$before" != = ] || before=${COMP_WORDS[COMP_CWORD-2]}',
    '  case "$before" in',
    ...cases,
    "  esac",
    "  local word command=",
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$word" in ${commands.join(" | ")}) command=$word; break ;; esac`,
    "  done",
    '  case "$current" in',
    `    -*) COMPREPLY=($(compgen -W '${
      FLAG_NAMES.flatMap(spellings).join(" ")
    }' -- "$current")) ;;`,
    '    *) case "$command" in',
    `      '' | help) COMPREPLY=($(compgen -W '${commands.join(" ")}' -- "$current")) ;;`,
    `      completion) COMPREPLY=($(compgen -W '${
      Object.keys(SHELLS).join(" ")
    }' -- "$current")) ;;`,
    `      ${ofFiles.join(" | ")}) ${BASH_FILES} ;;`,
    "      *) COMPREPLY=() ;;",
    "    esac ;;",
    "  esac",
    "}",
    "complete -o bashdefault -F _edgekeyd edgekeyd",
  ].join("\n");
}

function zsh(): string {
  const told = (text: string) => quoted(text.replace(/[\\:[\]]/g, "\\$&"));
  const flags = FLAG_NAMES.flatMap((name) => {
    const known = flag(name);
    const help = told(known.help);
    if (known.kind === "boolean") {
      return spellings(name).map((spelling) => `    '${spelling}[${help}]'`);
    }
    const words = choices(name);
    const action = words.length > 0 ? `(${words.join(" ")})` : takesPath(name) ? "_files" : " ";
    return spellings(name).map((spelling) =>
      `    '${spelling}${spelling.startsWith("--") ? "=" : "+"}[${help}]:${name}:${action}'`
    );
  });
  const commands = Object.entries(COMMAND_USES).map(([name, { help }]) =>
    `    '${name}:${told(help)}'`
  );
  return [
    "#compdef edgekeyd",
    "_edgekeyd() {",
    "  local -a commands flags",
    "  commands=(",
    ...commands,
    "  )",
    "  flags=(",
    ...flags,
    "  )",
    '  _arguments "${flags[@]}" "1:command:{_describe command commands}" "*:argument:_files"',
    "}",
    '_edgekeyd "$@"',
  ].join("\n");
}

function fish(): string {
  const commands = Object.entries(COMMAND_USES).map(([name, { help }]) =>
    `complete -c edgekeyd -f -n __fish_use_subcommand -a ${name} -d '${quoted(help)}'`
  );
  const flags = FLAG_NAMES.map((name) => {
    const known = flag(name);
    const alias = known.alias === undefined ? "" : ` -s ${known.alias}`;
    const words = choices(name);
    const value = known.kind === "boolean"
      ? ""
      : words.length > 0
      ? ` -x -a '${words.join(" ")}'`
      : takesPath(name)
      ? " -r -F"
      : " -x";
    return `complete -c edgekeyd -l ${name}${alias}${value} -d '${quoted(known.help)}'`;
  });
  return ["# fish completion for edgekeyd", ...commands, ...flags].join("\n");
}

/** A text to stand between single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}
