/** Runs mount or umount; tells whether it worked. */
export function mounting(program: "mount" | "umount", ...args: string[]): boolean {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return command.outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Tells whether this process may mount, which only root can, and not in every container. */
export function canMount(): boolean {
  const [from, over] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    return mounting("mount", "--bind", from, over) && mounting("umount", over);
  } finally {
    Deno.removeSync(from);
    Deno.removeSync(over);
  }
}

/** A mount that goes with its scope. */
export function bindMount(from: string, over: string): Disposable {
  if (!mounting("mount", "--bind", from, over)) throw new Error(`can't mount over ${over}`);
  return {
    [Symbol.dispose]() {
      if (!mounting("umount", over)) mounting("umount", "-l", over);
    },
  };
}
