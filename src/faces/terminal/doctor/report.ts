import { styleText } from "node:util";
import { counted } from "../../../words.ts";
import { clientApps, configText, type Launch } from "./clients.ts";
import type { Check, Download, Examination } from "./examine.ts";

/** How many workflows that lack something are shown whole. */
const mostMissing = 12;

/** Those of them whose files are shown with their addresses. */
const mostLinked = 3;

const marks: Record<Check["state"], string> = { ok: "ok  ", note: "note", problem: "FAIL" };
const colours: Record<Check["state"], "green" | "yellow" | "red"> = {
  ok: "green",
  note: "yellow",
  problem: "red",
};

const written = clientApps.flatMap(({ id, file }) => (file ? [id] : []));

/** The examination for people; a colour says nothing that the words do not. */
export function reportText(found: Examination, launch: Launch, isColoured: boolean): string {
  const mark = (state: Check["state"]) =>
    isColoured ? styleText(colours[state], marks[state]) : marks[state];
  const { firstPicture, ready, missing } = found;
  const first: Check = {
    name: "first picture",
    state: firstPicture.works ? "ok" : "problem",
    text: firstPicture.text,
  };
  const lines = [...found.checks, first].map(
    ({ name, state, text }) => `${mark(state)}  ${name}: ${text}`,
  );
  const left = missing.length - mostMissing;
  return [
    `comfy-easel ${found.version}`,
    "",
    ...lines,
    "",
    canRun(found),
    ...ready.map(({ tool, workflow, title }) => `  ${tool}: ${workflow} (${title})`),
    ...(missing.length > 0 ? ["", "The others lack, the least first:"] : []),
    ...missing
      .slice(0, mostMissing)
      .flatMap(({ text, downloads }, i) => [
        `  ${text}`,
        ...(i < mostLinked ? downloads.map(linkTo) : []),
      ]),
    ...(left > 0 ? [`  and ${counted(left, "more")}; --json lists them all.`] : []),
    "",
    "For the configuration of your client:",
    "",
    configText(launch),
    "",
    ...clientApps.flatMap(({ title, command }) =>
      command ? [`${title}: ${command(launch)}`] : [],
    ),
    `comfy-easel doctor --fix-config CLIENT writes it: ${written.join(", ")}.`,
    "",
  ].join("\n");
}

function linkTo({ file, folder, url }: Download): string {
  return `    ${folder === undefined ? file : `models/${folder}/${file}`}${url === undefined ? "" : `: ${url}`}`;
}

function canRun({ ready, missing }: Examination): string {
  if (ready.length + missing.length === 0) {
    return "Which workflows can run shows when a ComfyUI answers.";
  }
  return `${counted(ready.length, "workflow")} can run${ready.length > 0 ? ":" : "."}`;
}
