import { appTools } from "./app-tools.ts";
import type { Deps } from "./deps.ts";
import { imageTools } from "./image-tools.ts";
import { deleteTasks, listTasks } from "./record-tools.ts";
import { cancelTask, getImage, taskStatus } from "./task-tools.ts";
import type { Tool } from "./tool.ts";
import { listWorkflows } from "./workflow-tools.ts";

/** Every tool, in the order of the list: pictures first, then what there is on record. */
export function allTools(deps: Deps): Tool[] {
  return [
    ...imageTools(deps),
    taskStatus(deps),
    listTasks(deps),
    cancelTask(deps),
    deleteTasks(deps),
    getImage(deps),
    listWorkflows(deps),
    ...appTools(deps),
  ];
}
