import type { Pool } from "../comfy/pool.ts";
import type { SaveTo } from "../files/save-to.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { AddressRule } from "../net/address.ts";
import type { WebhookSender } from "../webhooks/sender.ts";
import type { Catalog } from "../workflows/catalog.ts";
import type { PromptSources } from "../workflows/prompt.ts";
import type { WebhookShapes } from "./announcer.ts";
import type { Guests } from "./guests.ts";
import type { HandOver } from "./hand-over.ts";
import type { LeaseOptions } from "./lease.ts";
import type { LoraHeaders } from "./lora-headers.ts";
import type { RetentionRules } from "./retention.ts";
import type { TaskStore } from "./store/store.ts";

export interface TasksOptions {
  pool: Pool;
  handOver: HandOver;
  /** How many pictures may wait on this server. */
  mostWaiting: number;
  catalog: Catalog;
  guests: Guests;
  /** Looks again at the workflows people saved in ComfyUI. */
  refreshSaved(maxAgeMs: number): Promise<unknown>;
  images: ImageStore;
  sources: ImageSources;
  saver: SaveTo;
  prompts: PromptSources;
  store: TaskStore;
  log: Log;
  deliverBySocket: boolean;
  webhooks: WebhookSender;
  webhookShapes?: WebhookShapes | undefined;
  loraHeaders: LoraHeaders;
  /** Which addresses webhooks may have. */
  addressRule: AddressRule;
  retention: RetentionRules;
  lease?: LeaseOptions;
}
