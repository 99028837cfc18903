import { honours, type Settings, workflowFor } from "../model/request.ts";
import type { Workflow } from "../records.ts";
import { usePage } from "./context.ts";

export interface SettingsInSight {
  tool: string;
  settings: Settings;
  workflow: Workflow | undefined;
  takes(name: string): boolean;
  changed(...names: string[]): boolean;
  set(values: Record<string, unknown>): void;
}

/** The settings of what the button would do now. */
export function useSettings(): SettingsInSight {
  const page = usePage();
  const tool = page.tool.value;
  const settings = page.draft.settings(tool);
  const workflow = workflowFor(tool, settings, page.catalogue.workflows.value);
  const known = page.catalogue.tool(tool);
  return {
    tool,
    settings,
    workflow,
    takes: (name) => honours(name, known, workflow),
    changed: (...names) => names.some((name) => settings[name] !== undefined),
    set: (values) => page.draft.set(tool, values),
  };
}
