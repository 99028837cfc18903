import type { Option } from "../../options.ts";
import { clientIds } from "./doctor/clients.ts";
import { generateOptions } from "./generate-options.ts";

export type CommandName =
  | "serve"
  | "generate"
  | "emulator"
  | "doctor"
  | "migrate"
  | "backends"
  | "workflow check"
  | "workflow convert"
  | "workflow init";

/** A command as its help shows it. */
export interface CommandText {
  name: Exclude<CommandName, "serve">;
  /** What it takes beside options; `...` for any number. */
  operands: string;
  help: string;
  options: readonly Option[];
  examples: readonly string[];
}

export const commands: readonly CommandText[] = [
  {
    name: "generate",
    operands: "[prompt...]",
    help: "make or change pictures; their paths go to stdout",
    options: generateOptions,
    examples: [
      'comfy-easel generate "a fox in the snow" --out fox.png',
      'comfy-easel generate "the same fox at night" --image fox.png --strength 0.6',
      'comfy-easel generate "a red scarf" --image fox.png --mask scarf.png --style watercolor',
      "comfy-easel generate --tool remove_background --image fox.png --out cut.png",
    ],
  },
  {
    name: "emulator",
    operands: "",
    help: "the embedded emulator of ComfyUI alone, for any ComfyUI client; its URL goes to stdout",
    options: [
      { flag: "port", value: "N", help: "0 takes any free one (default 8188)" },
      { flag: "host", value: "ADDRESS", help: "the address to listen on (default 127.0.0.1)" },
      { flag: "node-ms", value: "N", help: "milliseconds that a node takes (default 0)" },
      { flag: "step-ms", value: "N", help: "milliseconds that a sampling step takes (default 0)" },
    ],
    examples: ["comfy-easel emulator --port 8188 --step-ms 80"],
  },
  {
    name: "doctor",
    operands: "",
    help: "look at everything a first picture needs, and say what to mend; ends with 1 if it would not come",
    options: [
      { flag: "json", help: "the findings as JSON, for a report or a script" },
      {
        flag: "fix-config",
        value: "CLIENT",
        help: `write this server into a client's configuration, after asking: ${clientIds().join(", ")}`,
      },
      { flag: "yes", help: "with --fix-config: do not ask" },
    ],
    examples: ["comfy-easel doctor", "comfy-easel doctor --fix-config claude-desktop"],
  },
  {
    name: "migrate",
    operands: "",
    help: "copy the tasks of a data folder into a PostgreSQL, and with --blobs its pictures; cut off, it goes on where it was",
    options: [
      { flag: "from", value: "FOLDER", help: "the data folder (default: that of --data-dir)" },
      { flag: "to", value: "postgres://…", help: "the database (default: that of --database-url)" },
    ],
    examples: [
      "comfy-easel migrate --from ~/.local/share/comfy-easel --to postgres://easel@db/easel --blobs s3://pictures/easel",
    ],
  },
  {
    name: "backends",
    operands: "[action] [name]",
    help: "each ComfyUI: version, memory, queue, speed; with drain NAME it is given nothing new by any server of the data folder, until undrain NAME",
    options: [{ flag: "json", help: "as JSON" }],
    examples: ["comfy-easel backends --backends gpus.json", "comfy-easel backends drain big"],
  },
  {
    name: "workflow check",
    operands: "<file>",
    help: "what a workflow's parameters are, and what ComfyUI lacks for it",
    options: [],
    examples: ["comfy-easel workflow check my-export.json"],
  },
  {
    name: "workflow convert",
    operands: "<file>",
    help: "the API graph of an editor workflow or a picture, as JSON on stdout",
    options: [
      {
        flag: "complete",
        help: "put in what this ComfyUI's nodes need since the file was saved, by their defaults",
      },
    ],
    examples: ["comfy-easel workflow convert my-workflow.json > my-export.json"],
  },
  {
    name: "workflow init",
    operands: "<file>",
    help: "write NAME.binding.json beside a workflow, to be edited",
    options: [{ flag: "force", help: "replace the binding that is there" }],
    examples: ["comfy-easel workflow init my-export.json"],
  },
];
