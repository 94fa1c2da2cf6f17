import { dirname } from "@std/path";

const MODE = 0o7777;

/**
 * Finds what a unit of systemd closes (`InaccessiblePaths=`): an empty file or directory of mode
 * 0000 stands there instead.
 *
 * @param path a file that could not be read, or is empty; what a link there names is looked at too
 * @returns what to do about it, to be put behind a message; empty if nothing is closed
 */
export function whyClosed(path: string): string {
  const closed = closedPlaceIn(path) ?? closedPlaceIn(targetOf(path));
  return closed === undefined
    ? ""
    : `; ${closed} has mode 0000, as what edgekeyd's unit closes to the service (InaccessiblePaths=): ` +
      "copy the file to /etc/edgekeyd, and name it in /etc/default/edgekeyd";
}

function closedPlaceIn(path: string): string | undefined {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    try {
      const { mode } = Deno.statSync(at);
      if (mode !== null && (mode & MODE) === 0) return at;
    } catch (error) {
      // What is below a closed place is not there.
      if (!(error instanceof Error)) throw error;
    }
  }
  return undefined;
}

function targetOf(path: string): string {
  try {
    const target = Deno.readLinkSync(path);
    return target.startsWith("/") ? target : `${dirname(path)}/${target}`;
  } catch (error) {
    if (error instanceof Error) return path;
    throw error;
  }
}
