/**
 * Which inputs of a node class are widgets, and in what order the editor keeps their values
 * (ComfyUI_frontend, `nodeDefOrderingUtil.ts`, `widgets.ts`, `useIntWidget.ts`,
 * `useComboWidget.ts`, `uploadImage.ts`).
 */
import type { NodeInfo } from "../../comfy/protocol.ts";
import { isRecord, type Json, listOf, own, recordOf } from "./json.ts";

export interface InputDefinition {
  name: string;
  /** The socket's type; COMBO where the type is the list of choices. */
  type: string;
  options: Json;
  choices: readonly unknown[];
  required: boolean;
}

const widgetTypes: ReadonlySet<string> = new Set([
  ...["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "MARKDOWN", "TEXTAREA", "COLOR", "COLORS"],
  ...["IMAGECOMPARE", "BOUNDING_BOX", "BOUNDING_BOXES", "CHART", "GALLERIA", "PAINTER"],
  ...["COMPOSITOR", "CURVE", "RANGE", "VIDEO_EDIT", "RESOLUTION_PREVIEW", "IMAGEUPLOAD"],
  ...["COMFY_DYNAMICCOMBO_V3", "AUDIO_UI", "AUDIOUPLOAD", "AUDIO_RECORD", "WEBCAM"],
  ...["LOAD_3D", "LOAD_3D_ANIMATION", "PREVIEW_3D", "PREVIEW_3D_ANIMATION"],
]);

/** Kept by the editor and never sent. */
const unsent: ReadonlySet<string> = new Set([
  ...["IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "RESOLUTION_PREVIEW"],
  ...["PREVIEW_3D", "PREVIEW_3D_ANIMATION"],
]);

export const dynamicCombo = "COMFY_DYNAMICCOMBO_V3";

/** The inputs of a class in the editor's order: required, then optional, each as the class lists them. */
export function inputsOf(info: NodeInfo): InputDefinition[] {
  return [
    ...section(info.input.required, info.input_order?.["required"], true),
    ...section(info.input.optional, info.input_order?.["optional"], false),
  ];
}

/** The inputs that the chosen option of a dynamic combo brings, named as the prompt names them. */
export function inputsOfOption(
  combo: InputDefinition,
  key: unknown,
): InputDefinition[] | { known: string[] } {
  const options = listOf(combo.options["options"]).filter(isRecord);
  const chosen = options.find((option) => option["key"] === key);
  if (!chosen) return { known: options.map((option) => String(option["key"])) };
  const inputs = recordOf(chosen["inputs"]);
  const all = [
    ...section(inputs["required"], undefined, true),
    ...section(inputs["optional"], undefined, false),
  ];
  return all.map((each) => ({ ...each, name: `${combo.name}.${each.name}` }));
}

function section(data: unknown, order: unknown, required: boolean): InputDefinition[] {
  const specs = recordOf(data);
  const named = listOf(order).filter((name): name is string => typeof name === "string");
  const rest = Object.keys(specs).filter((name) => !named.includes(name));
  return [...named, ...rest].flatMap((name) => {
    const spec = own(specs, name);
    return Array.isArray(spec) ? [definition(name, spec, required)] : [];
  });
}

function definition(name: string, spec: unknown[], required: boolean): InputDefinition {
  const [type] = spec;
  const options = recordOf(spec[1]);
  if (Array.isArray(type)) return { name, type: "COMBO", options, choices: type, required };
  return { name, type: String(type), options, choices: listOf(options["options"]), required };
}

/** The widget's type, or undefined for a socket. */
export function widgetType({ type, options }: InputDefinition): string | undefined {
  if (options["forceInput"] === true) return undefined;
  return wouldBeWidget({ type, options });
}

/** `forceInput` set aside: files from before frontend 1.16 keep a slot for such an input. */
export function wouldBeWidget({
  type,
  options,
}: Pick<InputDefinition, "type" | "options">): string | undefined {
  const named = options["widgetType"];
  const widget = typeof named === "string" ? named : type;
  return widgetTypes.has(widget) ? widget : undefined;
}

export function isSent(type: string): boolean {
  return !unsent.has(type);
}

const seedNames: readonly string[] = ["seed", "noise_seed"];

/** How many slots for `control_after_generate` (and a combo's filter) follow a widget's own. */
export function controlSlots({ name, options }: InputDefinition, type: string): 0 | 1 | 2 {
  const declared = options["control_after_generate"];
  const on = typeof declared === "string" || declared === true;
  if (type === "INT") {
    const implicit = !("control_after_generate" in options) && seedNames.includes(name);
    return on || implicit ? 1 : 0;
  }
  if (type !== "COMBO" || !on) return 0;
  return isRecord(options["multi_select"]) || options["multi_select"] === true ? 1 : 2;
}

const uploads = ["image_upload", "video_upload", "animated_image_upload", "audio_upload"];

/** The upload button of a file's combo stands behind all other widgets. */
export function hasUploadSlot(inputs: readonly InputDefinition[]): boolean {
  return inputs.some(
    ({ required, options }) => required && uploads.some((upload) => options[upload] === true),
  );
}

/** What a widget sends that editors do not always save. */
export function unsavedValue(input: InputDefinition, type: string): unknown {
  return type === "IMAGECOMPARE" && input.required ? widgetDefault(input, type) : undefined;
}

/** What the editor's widget holds before anybody touches it. */
export function widgetDefault(input: InputDefinition, type: string): unknown {
  const { options, choices } = input;
  if (options["default"] !== undefined) return options["default"];
  switch (type) {
    case "INT":
    case "FLOAT":
      return 0;
    case "BOOLEAN":
      return false;
    case "STRING":
    case "MARKDOWN":
    case "TEXTAREA":
      return "";
    case "COMBO":
      return choices[0];
    case dynamicCombo:
      return recordOf(choices[0])["key"];
    case "IMAGECOMPARE":
      return ["", ""];
    default:
      return undefined;
  }
}
