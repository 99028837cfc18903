import { fileURLToPath } from "node:url";
import { Backend } from "./comfy/backend.ts";
import type { Config } from "./config.ts";
import { messageOf } from "./errors.ts";
import { ImageSources } from "./images/source.ts";
import { ImageStore } from "./images/store.ts";
import type { Log } from "./log.ts";
import { TaskStore } from "./tasks/store.ts";
import { Tasks } from "./tasks/tasks.ts";
import { type Catalog, loadCatalog } from "./workflows/catalog.ts";
import { problemText } from "./workflows/workflow.ts";

/** The parts every face is built on, and their end. */
export interface App {
  config: Config;
  log: Log;
  backend: Backend;
  catalog: Catalog;
  images: ImageStore;
  tasks: Tasks;
  close(): Promise<void>;
}

const shippedWorkflows = fileURLToPath(new URL("../workflows", import.meta.url));

/** Builds the parts in order. It contacts no ComfyUI: a server must start while none is there. */
export async function createApp(config: Config, log: Log): Promise<App> {
  const { catalog, problems } = await loadCatalog([
    { dir: shippedWorkflows, trusted: true },
    ...(config.workflowsDir ? [{ dir: config.workflowsDir, trusted: false }] : []),
  ]);
  for (const problem of problems) log.warn(`left out: ${problemText(problem)}`);
  const images = new ImageStore(config.dataDir);
  const store = await TaskStore.open(config.dataDir);
  const backend = new Backend(config.comfyui, log);
  const { inputRoots } = config;
  const sources = new ImageSources({
    // A result's path is in every answer, so it may come back as an input.
    roots: inputRoots.length > 0 ? [...inputRoots, images.resultsDir] : [],
    lookup: async (reference) => {
      const { record } = await tasks.image(await imageIdIn(tasks, reference));
      return images.readResult(record.id, record.mimeType);
    },
  });
  const tasks: Tasks = new Tasks({
    backend,
    catalog,
    images,
    sources,
    store,
    log,
    deliverBySocket: config.deliverBySocket,
  });
  recover(tasks, log);
  return {
    config,
    log,
    backend,
    catalog,
    images,
    tasks,
    async close() {
      await backend.close();
      await tasks.close();
      await store.close();
    },
  };
}

function recover(tasks: Tasks, log: Log): void {
  tasks.recover().then(
    (count) => {
      if (count > 0) log.info(`taking up ${count} unfinished tasks`);
    },
    (error) => log.error(`unfinished tasks could not be taken up: ${messageOf(error)}`),
  );
}

/** `comfy://images/ID`, an image id, or a task id, which stands for its first picture. */
async function imageIdIn(tasks: Tasks, reference: string): Promise<string> {
  const id = reference.replace(/^comfy:\/\/(images|tasks)\//, "");
  if (/-\d+$/.test(id)) return id;
  const task = await tasks.get(id);
  return task.runs.flatMap((run) => run.images)[0]?.id ?? `${id}-1`;
}
