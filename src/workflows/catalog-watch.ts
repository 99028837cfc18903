import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Catalog, type LoadedCatalog, loadCatalog } from "./catalog.ts";
import type { WorkflowFolder } from "./load-folder.ts";
import { isCarrier } from "./own-graph.ts";
import type { SavedFile } from "./saved.ts";
import { type Problem, problemText, type Workflow } from "./workflow.ts";

export interface CatalogWatch {
  /** Looks now; true when the catalog changed. */
  refresh(): Promise<boolean>;
  close(): void;
}

/** What a ComfyUI says about its nodes, which editor workflows are converted by. */
export interface NodeSource {
  /** Without asking. */
  known(): ObjectInfo | undefined;
  read(): Promise<ObjectInfo>;
}

export interface WatchOptions {
  log: Log;
  /** Unset, editor workflows stay pending. */
  nodes?: NodeSource;
  /** What a person saved in ComfyUI, as known now; the same array while nothing changed. */
  saved?: () => readonly SavedFile[];
  /** What the folders looked like before they were loaded, so that nothing is read twice. */
  read?: string | undefined;
  /** Between two looks at the folders, and how long a change must hold still. */
  everyMs?: number;
}

const standardMs = 1_000;
const none: readonly SavedFile[] = [];

/**
 * Takes up what changes in the folders that are not trusted. It compares names, sizes and times
 * every second instead of listening to `fs.watch`, which hears nothing on network drives and
 * container mounts and stops when the folder is replaced; a look is one readdir and a stat a file.
 * A change is read once it has held still for one look, so a file is seldom met half-written; one
 * that is counts as a problem until it changes again. Editor workflows appear once a ComfyUI has
 * said which nodes it has, and are converted again when it says something else.
 */
export function watchCatalog(
  loaded: LoadedCatalog,
  folders: readonly WorkflowFolder[],
  options: WatchOptions,
): CatalogWatch {
  const watched = new WatchedCatalog(loaded, folders, options);
  // Without a folder of its own nothing changes between two questions to ComfyUI.
  if (ownFolders(folders).length === 0) {
    return { refresh: () => watched.look(false), close: () => watched.close() };
  }
  const timer = setInterval(() => void watched.look(true), options.everyMs ?? standardMs);
  timer.unref();
  return {
    refresh: () => watched.look(false),
    close() {
      clearInterval(timer);
      watched.close();
    },
  };
}

class WatchedCatalog {
  readonly #loaded: LoadedCatalog;
  readonly #folders: readonly WorkflowFolder[];
  readonly #log: Log;
  readonly #nodes: NodeSource | undefined;
  readonly #savedNow: () => readonly SavedFile[];
  #saved: readonly SavedFile[];
  #waiting: boolean;
  #usesNodes: boolean;
  #objectInfo: ObjectInfo | undefined;
  #asked: Promise<void> | undefined;
  #askedFor: string | undefined;
  #content: string | undefined;
  #told: ReadonlySet<string>;
  /** What the folders looked like when they were read last, and at the last look. */
  #read: string | undefined;
  #seen: string | undefined;
  #running: Promise<boolean> = Promise.resolve(false);
  #closed = false;

  constructor(
    loaded: LoadedCatalog,
    folders: readonly WorkflowFolder[],
    { log, nodes, read, saved = () => none }: WatchOptions,
  ) {
    this.#read = read;
    this.#seen = read;
    this.#loaded = loaded;
    this.#folders = folders;
    this.#log = log;
    this.#nodes = nodes;
    this.#savedNow = saved;
    this.#saved = saved();
    this.#waiting = loaded.pending.length > 0;
    this.#usesNodes = loaded.usesNodes;
    this.#told = new Set([...loaded.problems, ...loaded.notes, ...loaded.pending].map(problemText));
  }

  /** One after another: a look that waits sees at least what was there when it was asked for. */
  look(settled: boolean): Promise<boolean> {
    this.#running = this.#running.then(() => this.#look(settled));
    return this.#running;
  }

  close(): void {
    this.#closed = true;
  }

  async #look(settled: boolean): Promise<boolean> {
    try {
      const now = await fingerprint(this.#folders);
      const holdsStill = now === this.#seen;
      this.#seen = now;
      const asked = this.#waiting ? this.#ask() : undefined;
      if (!settled) await asked;
      const nodes = this.#nodes?.known() ?? this.#objectInfo;
      const sameNodes = nodes === this.#objectInfo || !(this.#waiting || this.#usesNodes);
      const saved = this.#savedNow();
      const sameFiles = now === this.#read || (settled && !holdsStill);
      const isSame = sameFiles && sameNodes && saved === this.#saved;
      if (this.#closed || isSame) return false;
      this.#read = now;
      this.#saved = saved;
      this.#objectInfo = nodes;
      return this.#take(await loadCatalog(this.#folders, nodes, saved));
    } catch (error) {
      this.#log.error(`workflows could not be read again: ${messageOf(error)}`);
      return false;
    }
  }

  /**
   * Once for what is in the folders now: a ComfyUI that does not answer is left alone until work
   * asks it. Looks do not wait for the answer.
   */
  #ask(): Promise<void> | undefined {
    if (!this.#nodes || this.#nodes.known() || this.#closed) return undefined;
    if (this.#askedFor === this.#seen) return this.#asked;
    this.#askedFor = this.#seen;
    this.#asked ??= this.#nodes
      .read()
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#asked = undefined;
      });
    return this.#asked;
  }

  #take({ catalog, problems, notes, pending, usesNodes }: LoadedCatalog): boolean {
    if (this.#closed) return false;
    this.#waiting = pending.length > 0;
    this.#usesNodes = usesNodes;
    this.#loaded.problems = problems;
    this.#tell(problems, [...notes, ...pending]);
    const workflows = everything(catalog);
    const content = JSON.stringify(workflows);
    this.#content ??= JSON.stringify(everything(this.#loaded.catalog));
    if (content === this.#content) return false;
    this.#content = content;
    this.#log.info(`workflows changed: ${workflows.length} in ${catalog.tools().length} tools`);
    this.#loaded.catalog.replace(workflows);
    return true;
  }

  /** Only what was not told before. */
  #tell(problems: readonly Problem[], notes: readonly Problem[]): void {
    const [bad, known] = [problems.map(problemText), notes.map(problemText)];
    for (const text of bad) if (!this.#told.has(text)) this.#log.warn(`left out: ${text}`);
    for (const text of known) if (!this.#told.has(text)) this.#log.info(text);
    this.#told = new Set([...bad, ...known]);
  }
}

function ownFolders(folders: readonly WorkflowFolder[]): WorkflowFolder[] {
  return folders.filter(({ trusted }) => !trusted);
}

/** What the folders that may change look like: equal as long as no file in them does. */
export async function fingerprint(folders: readonly WorkflowFolder[]): Promise<string> {
  const parts = await Promise.all(ownFolders(folders).map(({ dir }) => folderPrint(dir)));
  return parts.join("\n");
}

async function folderPrint(dir: string): Promise<string> {
  const files = await readdir(dir).catch((error: unknown) => messageOf(error));
  if (typeof files === "string") return files;
  const read = files.filter((file) => file.endsWith(".json") || isCarrier(file)).sort();
  const prints = await Promise.all(
    read.map(async (file) => {
      const found = await stat(path.join(dir, file)).catch(() => undefined);
      return `${file} ${found?.size} ${found?.mtimeMs} ${found?.ctimeMs} ${found?.ino}`;
    }),
  );
  return [dir, ...prints].join("\n");
}

function everything(catalog: Catalog): Workflow[] {
  return [...catalog.all(), ...catalog.unlisted()];
}
