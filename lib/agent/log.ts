/** How grave a line is. */
export type LogLevel = "error" | "warning" | "notice" | "info";

/** Facts beside a message; never an object's content. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes log lines. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** How a line is written: for a person, for systemd's journal, or for a program. */
export type LogFormat = "text" | "journal" | "json";

/** syslog's priorities, as journald reads them at the start of a line (sd-daemon(3)). */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, notice: 5, info: 6 };

/**
 * Makes a log.
 *
 * @param format `text`: the level, the message, key=value; `journal`: the same behind the number
 * that stands for the level there; `json`: one object a line
 * @param write takes one line
 * @param now the wall clock, for JSON
 */
export function makeLog(
  format: LogFormat,
  write: (line: string) => void,
  now: () => Date,
): Log {
  const line = LINES[format];
  return (level, message, fields = {}) => {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    write(line({ level, message, given, now }));
  };
}

/** What a line is made from. */
interface Entry {
  readonly level: LogLevel;
  readonly message: string;
  /** Fields that have a value. */
  readonly given: readonly (readonly [string, unknown])[];
  readonly now: () => Date;
}

const LINES: Readonly<Record<LogFormat, (entry: Entry) => string>> = {
  text: (entry) => `${entry.level}: ${words(entry)}`,
  journal: (entry) => `<${PRIORITY[entry.level]}>${words(entry)}`,
  json({ level, message, given, now }) {
    const time = now().toISOString();
    return JSON.stringify({ time, level, message, ...Object.fromEntries(given) });
  },
};

function words({ message, given }: Entry): string {
  const rest = given.map(([name, value]) => ` ${name}=${quoted(String(value))}`).join("");
  return `${oneLine(message)}${rest}`;
}

function quoted(text: string): string {
  return /^[!#-<>-~]+$/.test(text) ? text : JSON.stringify(text);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}

/** More of one kind than this at once are counted, not logged; `status` has them all. */
const MAX_LOGGED = 20;

/**
 * Logs a line for each of many, but no flood of them.
 *
 * @param log where to
 * @param level how grave they are
 * @param message what is said of each
 * @param all the fields of each
 */
export function logEach(
  log: Log,
  level: "warning" | "notice",
  message: string,
  all: readonly LogFields[],
): void {
  for (const fields of all.slice(0, MAX_LOGGED)) log(level, message, fields);
  const more = all.length - MAX_LOGGED;
  if (more > 0) log(level, `${message}: more, which \`edgekeyd status\` lists`, { more });
}
