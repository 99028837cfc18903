import type { ComponentChildren } from "preact";
import { fileWords } from "../model/media.ts";
import { bytesWords, seconds } from "../model/words.ts";
import type { PictureRecord, Task } from "../records.ts";
import { usePage } from "./context.ts";
import { Picture } from "./picture.tsx";

/** What is on record; what is not, is not shown. */
export function Facts({ task, picture }: { task: Task; picture: PictureRecord }) {
  const page = usePage();
  const input = task.inputs?.["image"];
  const drawn = picture.prompt && picture.prompt !== task.prompt ? picture.prompt : undefined;
  const rows: [string, ComponentChildren][] = [];
  if (typeof picture.seed === "number") {
    rows.push([
      "Seed",
      <>
        {picture.seed}
        <button
          type="button"
          class="lnk"
          onClick={() => {
            page.draft.set(page.tool.value, { seed: picture.seed });
            page.say(`Seed ${picture.seed} is on the ledge now.`);
          }}
        >
          Use this seed
        </button>
      </>,
    ]);
  }
  if (picture.width > 0) rows.push(["Size", `${picture.width} × ${picture.height}`]);
  rows.push(["Workflow", task.workflow_title ?? page.catalogue.title(task.workflow)]);
  if (drawn) rows.push(["Drawn as", drawn]);
  if (input) {
    rows.push([
      "Input",
      <a class="thumb" href={`#/p/${input.id}/mask`} aria-label="Paint a mask over the input">
        <Picture id={input.id} alt="The picture it started from" width={72} />
      </a>,
    ]);
  }
  rows.push(...settingRows(task));
  const took = tookWords(task);
  if (took) rows.push(["Painted in", took]);
  rows.push(["File", `${fileWords(picture)}, ${bytesWords(picture.bytes)}`]);
  rows.push(["Id", picture.id]);
  for (const warning of task.warnings ?? []) rows.push(["Note", warning]);
  return (
    <dl class="facts">
      {rows.map(([name, value], i) => (
        <div key={`${name} ${i}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const names: Readonly<Record<string, string>> = {
  styles: "Style",
  steps: "Steps",
  guidance: "Guidance",
  strength: "Strength",
  negative_prompt: "Keep out",
  sampler: "Sampler",
  scheduler: "Scheduler",
  model: "Model",
  loras: "LoRAs",
  quality: "Effort",
  factor: "Times larger",
};

function settingRows(task: Task): [string, string][] {
  return Object.entries(names).flatMap(([name, words]): [string, string][] => {
    const value = task.arguments[name];
    if (value === undefined || value === null || value === "") return [];
    if (Array.isArray(value)) return value.length > 0 ? [[words, value.join(", ")]] : [];
    return [[words, String(value)]];
  });
}

function tookWords(task: Task): string | undefined {
  if (!task.started_at || !task.finished_at) return undefined;
  const took = (Date.parse(task.finished_at) - Date.parse(task.started_at)) / 1000;
  if (!(took > 0)) return undefined;
  const each = took / Math.max(1, task.images.length);
  const time = each < 60 ? `${each.toFixed(1)} s` : seconds(each);
  return task.backend ? `${time} on ${task.backend}` : time;
}
