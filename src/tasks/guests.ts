import type { Gallery, PackTemplates } from "../comfy/gallery.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { ImageSources, ResolveOptions } from "../images/source.ts";
import { cut, nearest } from "../words.ts";
import { readCarried } from "../workflows/carried.ts";
import { guestWorkflow } from "../workflows/guest.ts";
import { fromCarried, ownGraphIn } from "../workflows/own-graph.ts";
import {
  isTemplateName,
  searchTemplates,
  type Template,
  templatesIn,
  templatesOfPacks,
} from "../workflows/templates.ts";
import type { Workflow } from "../workflows/workflow.ts";

const templateMark = "template:";
const pictureMark = "picture:";

export function isGuest(workflow: string | undefined): workflow is string {
  return workflow !== undefined && (isTemplate(workflow) || isPicture(workflow));
}

export function isTemplate(workflow: string): boolean {
  return workflow.startsWith(templateMark);
}

/** A picture as a recipe. */
export function isPicture(workflow: string): boolean {
  return workflow.startsWith(pictureMark);
}

/** Who brings a workflow along. */
export interface Host {
  /** Whether it may run graphs that are in no catalogue of this server. */
  graphs: boolean;
  sources: ResolveOptions;
}

/** Workflows that are named with a call and stand in no catalogue. */
export class Guests {
  readonly #gallery: Gallery;
  readonly #sources: ImageSources;
  #templates: { index: string | undefined; packs: PackTemplates; all: Template[] } | undefined;

  constructor(gallery: Gallery, sources: ImageSources) {
    this.#gallery = gallery;
    this.#sources = sources;
  }

  /** The templates that fit a query, best first. */
  async search(query: string): Promise<Template[]> {
    return searchTemplates(await this.#all(), query);
  }

  /** A template as a workflow; of `tool`, or of the tool it would have by itself. */
  async template(name: string, objectInfo: ObjectInfo, tool?: string): Promise<Workflow> {
    const bare = name.slice(templateMark.length);
    const all = await this.#all();
    const known = all.find((template) => template.name === bare);
    if (known?.isPaid) throw paidTemplate(known);
    const isName = known !== undefined || isTemplateName(bare);
    const text = isName ? await this.#gallery.template(bare) : undefined;
    if (text === undefined) throw unknownTemplate(bare, all);
    const { title, description } = known ?? {};
    const read = ownGraphIn(text, objectInfo);
    const guest = { name, read, editor: text, title, description, tool, isRecipe: false };
    return guestWorkflow(guest, objectInfo);
  }

  /** The workflow that a call names. */
  async workflow(
    name: string,
    tool: string,
    host: Host,
    objectInfo: ObjectInfo,
  ): Promise<Workflow> {
    if (isTemplate(name)) return this.template(name, objectInfo, tool);
    if (!host.graphs) {
      throw new AppError(
        "invalid_input",
        'workflow: this caller may not bring workflows along; leave out "picture:…", or ask the operator for the scope "graphs".',
      );
    }
    const reference = name.slice(pictureMark.length);
    const { bytes, origin } = await this.#sources.read("workflow", reference, host.sources);
    const carried = await readCarried(bytes);
    const shown = `${pictureMark}${cut(origin.replace(/^(file|URL|image) /, ""))}`;
    const read = fromCarried(carried, objectInfo);
    const guest = { name: shown, read, editor: carried?.workflow, tool, isRecipe: true };
    return guestWorkflow(guest, objectInfo);
  }

  /** Read again only when the gallery's index was, or what node packs bring along. */
  async #all(): Promise<Template[]> {
    const [index, packs] = [await this.#gallery.index(), await this.#gallery.packs()];
    if (this.#templates?.index !== index || this.#templates?.packs !== packs) {
      const all = [...(index === undefined ? [] : templatesIn(index)), ...templatesOfPacks(packs)];
      this.#templates = { index, packs, all };
    }
    return this.#templates.all;
  }
}

function unknownTemplate(name: string, all: readonly Template[]): AppError {
  const near = nearest(
    name,
    all.map((template) => template.name),
  );
  const hint =
    all.length === 0
      ? "This ComfyUI serves no template gallery; it comes with the package comfyui-workflow-templates."
      : `${near.length > 0 ? `Did you mean ${near.map((each) => templateMark + each).join(" or ")}? ` : ""}list_workflows with search finds them.`;
  return new AppError(
    "not_found",
    `workflow: there is no template ${JSON.stringify(cut(name, 60))}. ${hint}`,
  );
}

function paidTemplate({ name, title }: Template): AppError {
  return new AppError(
    "invalid_input",
    `workflow: the template ${name} (${cut(title, 80)}) runs on paid partner nodes, which are never run from here; run it in ComfyUI itself.`,
  );
}
