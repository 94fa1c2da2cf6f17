import { objectJson, type ObjectOptions } from "./objects.ts";

/** An fs cache in a temporary directory, written as yurthub writes it. */
export class FsCacheDir implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-cache-" });

  /** On disk. */
  path(path: string): string {
    return `${this.root}/${path}`;
  }

  /**
   * Writes the object that belongs at a path.
   *
   * @param path below the root; its directory says the gvr, unless it is of the older layout
   * @param options what else the object says
   * @returns what was written
   */
  put(path: string, options: Partial<ObjectOptions> = {}): string {
    const segments = path.split("/").map((segment) => segment.replace(/^(tmp_)+/, ""));
    const text = objectJson({
      gvr: segments[1] ?? "",
      namespace: segments.length === 4 ? segments[2] ?? "" : "",
      name: segments.at(-1) ?? "",
      ...options,
    });
    this.write(path, text);
    return text;
  }

  /** Writes any file, and the directories above it. */
  write(path: string, text: string): void {
    this.mkdir(path.slice(0, path.lastIndexOf("/")));
    Deno.writeTextFileSync(this.path(path), text);
  }

  mkdir(path: string): void {
    Deno.mkdirSync(this.path(path), { recursive: true });
  }

  remove(path: string): void {
    Deno.removeSync(this.path(path), { recursive: true });
  }

  rename(from: string, to: string): void {
    Deno.renameSync(this.path(from), this.path(to));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}
