import {
  checkObject,
  type CustomResource,
  type Gvr,
  InvalidObjectError,
  isBuiltinGroup,
  type ObjectMeta,
  parseObjectMeta,
} from "../k8s/mod.ts";
import { type CustomResources, nameOfResource } from "./custom_resources.ts";
import { CustomSources } from "./custom_sources.ts";
import { kindByVotes, scopeByVotes } from "./custom_votes.ts";
import type { FileSystem } from "./file_system.ts";
import type { Slices } from "../slices.ts";

/**
 * Files that were read before are asked for their kind where nothing else tells it: so many of each
 * component.
 */
const MAX_ASKED = 16;

/** What a file says of its object; `kind` is undefined where it was not read. */
interface CustomFile extends Pick<ObjectMeta, "name" | "namespace"> {
  readonly path: string;
  readonly source: string;
  kind: string | undefined;
}

/** A file that is not of the kind or scope of its resource. */
export interface MisfitFile {
  /** Canonical path. */
  readonly path: string;
  /** Path as it is on disk. */
  readonly source: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** How the files of custom resources are judged. */
export interface JudgeOptions {
  readonly fs: FileSystem;
  /** The cache root. */
  readonly root: string;
  /** The component directories in it. */
  readonly components: Iterable<string>;
  /** Whether all groups were looked at, and not some alone. */
  readonly everything: boolean;
  /** What earlier scans found. */
  readonly customs: CustomResources;
  /** What one file may hold at most. */
  readonly maxObjectBytes: number;
  /** To pause between: there may be a hundred thousand files. */
  readonly slices: Slices;
}

/**
 * The files of custom resources that a scan met. Which kind and scope such a resource has, no table
 * tells: it is judged once all of them are known.
 */
export class CustomFiles {
  readonly #byResource = new Map<string, { readonly gvr: Gvr; readonly files: CustomFile[] }>();

  /**
   * Adds a file, if its object is of a custom resource.
   *
   * @param gvr what it is
   * @param file what it says
   */
  add(gvr: Gvr, file: CustomFile): void {
    if (isBuiltinGroup(gvr.group)) return;
    // One definition is of all versions: their objects are of one kind and scope.
    const resource = nameOfResource(gvr);
    const group = this.#byResource.get(resource) ?? { gvr, files: [] };
    group.files.push(file);
    this.#byResource.set(resource, group);
  }

  /**
   * Finds out what each resource is, and which files are not.
   *
   * @param options how
   * @returns the files that can't be imported
   */
  async judge(options: JudgeOptions): Promise<MisfitFile[]> {
    const { fs, root, components, everything, customs, slices } = options;
    const sources = new CustomSources(fs, root, components);
    const found = new Map<string, CustomResource>();
    const misfits: MisfitFile[] = [];
    for (const [resource, { gvr, files }] of this.#byResource) {
      const said = sources.of(gvr);
      const before = everything ? undefined : customs.get(gvr);
      const kind = said.kind ?? before?.kind ?? this.#vote(gvr, files, options);
      const fitting = files.filter((file) => file.kind === undefined || file.kind === kind);
      const namespaced = said.namespaced ?? before?.namespaced ??
        scopeByVotes(
          fitting.map(({ path, namespace }) => ({
            component: componentOf(path),
            namespaced: namespace !== "",
          })),
        );
      found.set(resource, { kind, namespaced });
      for (const file of files) {
        if (slices.isOver()) await slices.pause();
        misfits.push(...misfit(gvr, file, { kind, namespaced }));
      }
      if (gvr.group.endsWith(".k8s.io") && !sources.knowsGroup(gvr)) customs.addStranger(gvr.group);
    }
    if (everything) customs.settle(found);
    return misfits;
  }

  #vote(gvr: Gvr, files: CustomFile[], options: JudgeOptions): string | undefined {
    const { fs, root, maxObjectBytes } = options;
    const unread = files.filter(({ kind }) => kind === undefined)
      .sort((a, b) => a.path < b.path ? -1 : 1);
    const asked = new Map<string, number>();
    for (const file of unread) {
      const component = componentOf(file.path);
      const before = asked.get(component) ?? 0;
      if (before === MAX_ASKED) continue;
      asked.set(component, before + 1);
      try {
        const { bytes } = fs.readFile(`${root}/${file.source}`, maxObjectBytes);
        file.kind = parseObjectMeta(bytes).kind;
      } catch {
        // It has changed since, and is looked at by the next scan.
      }
    }
    return kindByVotes(
      gvr.resource,
      files.map(({ path, kind }) => ({ component: componentOf(path), kind })),
    );
  }
}

function componentOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}

function misfit(gvr: Gvr, file: CustomFile, resource: CustomResource): MisfitFile[] {
  const { path, source, name, namespace, kind = resource.kind ?? "" } = file;
  try {
    checkObject({ kind, name, namespace }, gvr, resource);
    return [];
  } catch (error) {
    if (error instanceof InvalidObjectError) return [{ path, source, reason: error.message }];
    throw error;
  }
}
