import type { Sockets } from "../as-comfyui/sockets.ts";
import type { ResultCache } from "./cache.ts";
import type { Catalog } from "./catalog.ts";
import type { Disk, StoredFile } from "./disk.ts";
import type { Faults } from "./faults.ts";
import type { Hold } from "./hold.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Metadata } from "./models.ts";
import type { Timing } from "./node.ts";
import type { PromptQueue } from "./queue.ts";

/** What runs and routes share in one life of the server. */
export interface Parts {
  version: string;
  timing: Timing;
  models: Record<string, string[]>;
  /** `folder/file` -> the `__metadata__` of its header. */
  metadata: Metadata;
  catalog: Catalog;
  disk: Disk;
  /** What people saved, `workflows/NAME.json` and the like. */
  userdata: Map<string, StoredFile>;
  /** The template gallery: file name -> JSON. */
  templates: ReadonlyMap<string, string>;
  faults: Faults;
  holds: Hold[];
  queue: PromptQueue;
  cache: ResultCache;
  sockets: Sockets;
  interrupts: Interrupts;
  /** The client of the running or last prompt and the node it is at. */
  current: { clientId: string | undefined; nodeId: string | undefined };
  /** Numbers given to prompts so far. */
  counter: number;
  /** A `POST /free` asked to forget results; done between prompts. */
  forget: boolean;
  /** Lets the worker look at the queue and at `forget`. */
  wake(): void;
}
