import { randomBytes } from "node:crypto";
import path from "node:path";
import { backOff, pause } from "./back-off.ts";
import { openBlobs } from "./blobs/open.ts";
import { Backend, type BackendOptions } from "./comfy/backend.ts";
import { Gallery } from "./comfy/gallery.ts";
import { joined } from "./comfy/installs.ts";
import { Paces } from "./comfy/paces.ts";
import { defaultPatience } from "./comfy/patience.ts";
import { Pool } from "./comfy/pool.ts";
import { SavedWorkflows } from "./comfy/saved-workflows.ts";
import { isPlain, nameOf } from "./comfy/target.ts";
import type { Config } from "./config.ts";
import { messageOf } from "./errors.ts";
import { SaveTo } from "./files/save-to.ts";
import { keptSecret } from "./files/secret.ts";
import { deliver } from "./images/convert.ts";
import { ImageSources } from "./images/source.ts";
import { ImageStore } from "./images/store.ts";
import type { Log } from "./log.ts";
import { type AddressRule, refuseAddress } from "./net/address.ts";
import { shipped } from "./shipped.ts";
import { BackendStates } from "./studio/backend-states.ts";
import type { Caller } from "./studio/caller.ts";
import { ComfyFacts } from "./studio/comfy-facts.ts";
import { type InstalledOptions, installed } from "./studio/installed.ts";
import { Pace } from "./studio/pace.ts";
import { Quota } from "./studio/quota.ts";
import { Studio } from "./studio/studio.ts";
import { freshMs, stateOf, workflowStates } from "./studio/workflow-states.ts";
import type { WebhookShapes } from "./tasks/announcer.ts";
import { Guests } from "./tasks/guests.ts";
import { HandOver } from "./tasks/hand-over.ts";
import { LearntTimes } from "./tasks/learnt-times.ts";
import { LoraHeaders } from "./tasks/lora-headers.ts";
import { openTaskStore } from "./tasks/store/open.ts";
import { Tasks } from "./tasks/tasks.ts";
import { WebhookSender } from "./webhooks/sender.ts";
import { type Catalog, loadCatalog } from "./workflows/catalog.ts";
import { fingerprint, watchCatalog } from "./workflows/catalog-watch.ts";
import type { WorkflowFolder } from "./workflows/load-folder.ts";
import { isOffered, savedPlace } from "./workflows/saved.ts";
import { shippedFolder } from "./workflows/shipped-folder.ts";
import { loadStyles } from "./workflows/styles.ts";
import { Wildcards } from "./workflows/wildcards.ts";
import { problemText } from "./workflows/workflow.ts";

/** The parts every face is built on, and their end. */
export interface App {
  catalog: Catalog;
  images: ImageStore;
  tasks: Tasks;
  /** What one caller may see and do. */
  studio(caller: Caller): Studio;
  /** Random bytes that stay those of the data folder; new ones where none can be kept. */
  secret(name: string): Promise<Buffer>;
  /**
   * Looks for what people saved in ComfyUI before any work does, so that it is offered from the
   * start: once, or until something listens there, and only where asking can start nothing.
   */
  lookForSaved(): void;
  close(): Promise<void>;
}

export interface AppOptions {
  /** Takes up no tasks. @default false */
  onlyLooks?: boolean;
  /** Other patience with ComfyUI than the configuration's. */
  backend?: BackendOptions;
  webhookShapes?: WebhookShapes;
  /** Where several apps share a process: the shipped workflows, read before. */
  shippedWorkflows?: WorkflowFolder;
}

/** While nothing listens where ComfyUI should be, as when both are started together. */
const savedLooks = { first: 2_000, last: 60_000 };

/**
 * Builds the parts in order. It contacts no ComfyUI: a server must start while none is there. One
 * that only looks takes up no tasks.
 */
export async function createApp(
  config: Config,
  log: Log,
  { onlyLooks = false, backend, webhookShapes, shippedWorkflows }: AppOptions = {},
): Promise<App> {
  const folders = [
    shippedWorkflows ?? (await shippedFolder(shipped.workflows, shipped.compiledWorkflows)),
    ...(config.workflowsDir ? [{ dir: config.workflowsDir, trusted: false }] : []),
  ];
  const read = await fingerprint(folders);
  const loaded = await loadCatalog(folders);
  const { catalog } = loaded;
  for (const problem of loaded.problems) log.warn(`left out: ${problemText(problem)}`);
  for (const note of loaded.notes) log.info(problemText(note));
  const { styles, problems } = await loadStyles([
    shipped.styles,
    ...(config.stylesDir ? [config.stylesDir] : []),
  ]);
  for (const problem of problems) log.warn(`left out: ${problem}`);
  for (const waiting of loaded.pending) log.info(problemText(waiting));
  const images = new ImageStore(openBlobs(config.blobs));
  const store = await openTaskStore(config.dataDir, log, config.databaseUrl);
  const backendOptions: BackendOptions = {
    patience: { ...defaultPatience, lostAfterMs: config.lostAfterSeconds * 1000 },
    startPatienceMs: config.startPatienceSeconds * 1000,
    freeAfterMs: config.freeAfterSeconds === undefined ? undefined : config.freeAfterSeconds * 1000,
    nodesRead: () => void refreshSaved(0),
    ...backend,
  };
  const pool = new Pool(config.comfyuis.map((target) => new Backend(target, log, backendOptions)));
  const { savedWorkflows } = config;
  const saved = new SavedWorkflows(pool, (file) => isOffered(savedWorkflows, file));
  const watch = watchCatalog(loaded, folders, {
    log,
    nodes: { known: () => pool.knownObjectInfo, read: () => pool.objectInfo() },
    read,
    saved: () => saved.known,
  });
  const refreshSaved = async (maxAgeMs: number): Promise<string[]> => {
    if (savedWorkflows !== "none") await saved.refresh(maxAgeMs);
    await watch.refresh();
    const left = loaded.problems.filter(({ file }) => file.startsWith(savedPlace));
    return [...(saved.problem === undefined ? [] : [saved.problem]), ...left.map(problemText)];
  };
  const closing = new AbortController();
  const lookForSaved = async () => {
    if (savedWorkflows === "none" || !config.comfyuis.every(isPlain)) return;
    for (const waitMs of backOff(savedLooks)) {
      await refreshSaved(0);
      // They are converted by the nodes, and reading those looks again.
      if (saved.known.length > 0) await pool.objectInfo().catch(() => undefined);
      if (!saved.isNobodyThere) return;
      await pause(waitMs, closing.signal);
      if (closing.signal.aborted) return;
    }
  };
  const addressRule: AddressRule = config.allowPrivateUrls ? () => undefined : refuseAddress;
  const sources = new ImageSources({ allowPrivateAddresses: config.allowPrivateUrls });
  const guests = new Guests(new Gallery(pool), sources);
  const loraHeaders = new LoraHeaders(pool);
  const prompts = {
    styles,
    ...(config.wildcardsDir ? { wildcards: new Wildcards(config.wildcardsDir) } : {}),
  };
  const paces = new Paces(new Map(config.comfyuis.map((each) => [nameOf(each), each.weight ?? 1])));
  const times = await LearntTimes.open(config.dataDir, paces, log);
  const handOver = new HandOver({
    ...{ pool, paces, log, handOver: config.handOver },
    replaceAfterMs: config.replaceAfterSeconds * 1000,
    lostAfterMs: config.lostAfterSeconds * 1000,
    drained: () => store.drains.all(),
  });
  await handOver
    .refreshDrained()
    .catch((error) => log.error(`which ComfyUIs are drained is not known: ${messageOf(error)}`));
  const tasks: Tasks = new Tasks({
    pool,
    handOver,
    mostWaiting: config.mostWaiting,
    catalog,
    guests,
    refreshSaved,
    images,
    sources,
    store,
    log,
    deliverBySocket: config.deliverBySocket,
    saver: new SaveTo((bytes, format) => deliver(bytes, { format })),
    prompts,
    loraHeaders,
    webhooks: new WebhookSender({
      outbox: store.outbox,
      rule: addressRule,
      allowPrivate: config.allowPrivateUrls,
      log,
    }),
    webhookShapes,
    addressRule,
    retention: { keepDays: config.keepDays, keepGb: config.keepGb },
  });
  const pace = new Pace(tasks);
  pace.start().catch((error) => log.debug(`how long pictures take: ${messageOf(error)}`));
  if (!onlyLooks) {
    tasks
      .start()
      .catch((error) => log.error(`unfinished tasks cannot be taken up: ${messageOf(error)}`));
  }
  const backends = new BackendStates(pool, (name) => handOver.standing(name));
  const parts = {
    tasks,
    images,
    quota: new Quota(tasks),
    pace,
    comfy: new ComfyFacts(pool),
    workflows: async () => ({
      ...(await workflowStates(catalog, pool, refreshSaved)),
      faults: loaded.problems,
    }),
    installed: (options?: InstalledOptions) =>
      installed(catalog, pool, prompts, loraHeaders, options),
    search: (query: string) => guests.search(query),
    template: async (name: string) => {
      const installs = await pool.installs(freshMs);
      return stateOf(await guests.template(name, joined(installs)), installs);
    },
    styles: () => styles.all(),
    backends: (ask: "all" | "known") => backends.read(ask),
  };
  const studio = (caller: Caller) => new Studio(parts, caller);
  return {
    catalog,
    images,
    tasks,
    studio,
    secret: (name) =>
      keptSecret(path.join(config.dataDir, name)).catch((error) => {
        log.warn(`${name} is not kept: ${messageOf(error)}`);
        return randomBytes(32);
      }),
    lookForSaved: () => void lookForSaved(),
    async close() {
      closing.abort();
      watch.close();
      pace.close();
      // Whatever waits for a ComfyUI lets go first.
      await pool.close();
      await tasks.close();
      await times.close();
      await store.close();
    },
  };
}
