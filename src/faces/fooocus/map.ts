import { randomInt } from "node:crypto";
import type { Installed } from "../../studio/installed.ts";
import { maxSeed, type OutputFormat, type TaskRequest } from "../../workflows/request.ts";
import { chooseWorkflow, takes } from "../shared/choose.ts";
import type { Here } from "../shared/here.ts";
import type { Lora } from "../shared/loras.ts";
import { fileOf } from "../shared/names.ts";
import type { ImagePrompt, Pictures } from "./bring.ts";
import { type Field, type FieldName, fields } from "./fields.ts";
import { wishesOf } from "./image-prompts.ts";
import { addLoras } from "./loras.ts";
import { distilled, efforts, isPerformance } from "./performance.ts";
import { jobOf } from "./pictures.ts";
import { withPreset } from "./presets.ts";
import type { Values } from "./read.ts";
import { settingsOf } from "./settings.ts";
import { readStyles } from "./styles.ts";
import { noEffect, type Wish } from "./wishes.ts";
import { text, wordsOf } from "./words.ts";

/** Pictures to go by count before everything else that can be asked for. */
const pictureWeight = 100;

export interface Mapped {
  tool: string;
  request: TaskRequest;
  /** What of the call has no effect, or another one than in Fooocus. */
  warnings: string[];
  /** The call with what was decided here: preset and seed. */
  values: Values;
}

/** A call of FooocusAPI as one of our tools. `one`: a single picture, whatever the call says. */
export function mapCall(
  given: Values,
  pictures: Pictures,
  prompts: readonly ImagePrompt[],
  here: Here,
  one: boolean,
): Mapped {
  const { values, warnings: ofPreset } = withPreset(given);
  const seed = seedOf(values);
  const styles = readStyles(textsIn(values.style_selections), here.styles, seed);
  const words = wordsOf(values, styles.words);
  const job = jobOf(values, pictures, prompts.length > 0);
  const settings = settingsOf(spelled(values, here.installed.models));
  const guided = wishesOf(prompts, values, job.tool);
  const loras = addLoras(values, words.loras, here.installed.loras);
  const model = modelOf(values, here.installed.models, job.tool);
  const wishes = [...job.wishes, ...settings.wishes, ...guided.wishes];
  const { effort, ...fast } = performanceOf(values, here, job.tool, wishes);
  const asked = [...fast.wishes, ...wishes];
  const hasLoras = loras.loras.length + fast.loras.length > 0;
  const weighed = asked.map(({ parameter, field }) =>
    field === "controlnet_image" ? { parameter, weight: pictureWeight } : { parameter },
  );
  const wanted = { tool: job.tool, wishes: weighed, effort, hasLoras, model: model.file };
  const workflow = chooseWorkflow(here.workflows, here.installed.models, wanted);
  const taken = asked.filter(({ parameter }) => !workflow || takes(workflow, parameter));
  const left = asked.filter((wish) => !taken.includes(wish) && !fast.wishes.includes(wish));
  const request: TaskRequest = {
    ...job.request,
    ...(workflow ? { workflow: workflow.name } : {}),
    ...(model.file === undefined ? {} : { model: model.file }),
    ...(effort === undefined ? {} : { quality: effort }),
    ...(styles.styles.length > 0 ? { styles: styles.styles } : {}),
    ...(hasLoras ? { loras: [...fast.loras, ...loras.loras] } : {}),
    ...(words.prompts ? { prompts: words.prompts } : {}),
    ...(values.disable_seed_increment === true ? { sameSeed: true } : {}),
    ...(values.read_wildcards_in_order === true ? { wildcardsInOrder: true } : {}),
    count: one ? 1 : Number(values.image_number ?? 1),
    seed,
    outputFormat: formatOf(values.output_format),
    parameters: {
      ...job.parameters,
      prompt: words.prompt,
      ...Object.fromEntries(taken.map(({ parameter, value }) => [parameter, value])),
    },
  };
  const warnings = [
    ...ofPreset,
    ...styles.warnings,
    ...loras.problems,
    ...model.warnings,
    ...fast.warnings,
    ...settings.warnings,
    ...guided.warnings,
    ...job.warnings,
    ...left.map(({ field, parameter }) => notTaken(field, parameter, workflow?.name ?? "")),
    ...unheard(values),
  ];
  return {
    tool: job.tool,
    request,
    warnings: [...new Set(warnings)],
    values: { ...values, image_seed: seed },
  };
}

function notTaken(field: FieldName, parameter: string, workflow: string): string {
  return noEffect(field, `workflow ${workflow} has no ${parameter}`);
}

/** What Fooocus takes for "draw one" is drawn here, so that the record can say it. */
function seedOf({ image_seed: given }: Values): number {
  const seed = Number(given ?? -1);
  return Number.isInteger(seed) && seed >= 0 && seed <= maxSeed ? seed : randomInt(2 ** 32);
}

function formatOf(given: unknown): OutputFormat {
  if (given === "jpg" || given === "jpeg") return "jpeg";
  return given === "webp" ? "webp" : "png";
}

function textsIn(given: unknown): string[] {
  return Array.isArray(given) ? given.filter((each) => typeof each === "string") : [];
}

function modelOf(
  values: Values,
  models: Installed["models"],
  tool: string,
): { file: string | undefined; warnings: string[] } {
  const name = text(values.base_model_name);
  if (name === "" || /^none$/i.test(name) || tool === "upscale") {
    return { file: undefined, warnings: [] };
  }
  const files = models.filter((each) => each.tool === tool).flatMap((each) => each.files);
  const file = fileOf(name, files);
  if (file !== undefined) return { file, warnings: [] };
  const why = `${JSON.stringify(name.slice(0, 80))} is not installed on this ComfyUI`;
  return { file, warnings: [noEffect("base_model_name", why)] };
}

/** The refiner as ComfyUI spells it: it lies where the other checkpoints are. */
function spelled(values: Values, models: Installed["models"]): Values {
  const name = text(values.refiner_model_name);
  const file = fileOf(
    name,
    models.flatMap(({ files }) => files),
  );
  return file === undefined ? values : { ...values, refiner_model_name: file };
}

interface Fast {
  effort: string | undefined;
  wishes: Wish[];
  loras: Lora[];
  warnings: string[];
}

/**
 * A word of `quality`; or, where a workflow can and the file is installed, what Fooocus itself does
 * for its fast ones: a LoRA, and the settings that go with it.
 */
function performanceOf(
  values: Values,
  { workflows, installed }: Here,
  tool: string,
  wishes: readonly Wish[],
): Fast {
  const word = values.performance_selection;
  const none = { effort: undefined, wishes: [], loras: [], warnings: [] };
  if (!isPerformance(word) || tool === "upscale") return none;
  const effort = efforts[word];
  const fast = distilled[word];
  const file = fast && installed.loras.find((name) => fast.lora.test(name));
  const hasOwn = workflows.some(
    ({ workflow, ready }) =>
      ready && workflow.tool === tool && Object.hasOwn(workflow.presets, effort),
  );
  const needsMore = wishes.length > 0 || text(values.base_model_name) !== "";
  if (!fast || file === undefined || (hasOwn && !needsMore)) return { ...none, effort };
  const given = new Set(wishes.map(({ parameter }) => parameter));
  return {
    ...none,
    wishes: Object.entries(fast.parameters)
      .filter(([parameter]) => !given.has(parameter))
      .map(([parameter, value]) => ({ parameter, value, field: "performance_selection" })),
    loras: [{ name: file, weight: fast.weight }],
  };
}

/** Fields that nothing here follows, where they ask for something. */
function unheard(values: Values): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const field: Field = fields[name as FieldName];
    if (field.unheard === undefined || field.neutral?.includes(value)) return [];
    if (Array.isArray(value) && value.length === 0) return [];
    return [noEffect(name as FieldName, field.unheard)];
  });
}
