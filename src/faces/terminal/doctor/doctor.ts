import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import { refusal } from "../../../errors.ts";
import type { Flags } from "../command-line.ts";
import type { Launch, Machine } from "./clients.ts";
import { type ExamineParts, examine } from "./examine.ts";
import { clientNamed, configChange, writeChange } from "./fix-config.ts";
import { reportText } from "./report.ts";

export interface Terminal {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
}

/** Prints what was found; returns whether a first picture would come. */
export async function doctor(
  parts: ExamineParts,
  flags: Flags,
  launch: Launch,
  { stdout }: Terminal,
): Promise<boolean> {
  const found = await examine(parts);
  const isColoured = stdout.isTTY === true;
  const text = flags["json"]
    ? `${JSON.stringify(found, null, 2)}\n`
    : reportText(found, launch, isColoured);
  stdout.write(text);
  return found.firstPicture.works;
}

/** Shows what would be written into the client's file, asks, and writes it. */
export async function fixConfig(
  id: string,
  launch: Launch,
  machine: Machine,
  { stdin, stdout }: Terminal,
  isAgreed: boolean,
): Promise<void> {
  const app = clientNamed(id);
  const change = await configChange(app, launch, machine);
  if (change.before === change.after) {
    return void stdout.write(`${change.file} has it already.\n`);
  }
  stdout.write(`Into ${change.file}:\n${change.entry}\n`);
  if (!isAgreed && !(await agrees({ stdin, stdout }))) {
    return void stdout.write("Nothing was written.\n");
  }
  const kept = await writeChange(change);
  const before = kept === undefined ? "" : ` What was there is in ${kept}.`;
  stdout.write(`Written.${before} Start ${app.title} anew.\n`);
}

async function agrees({ stdin, stdout }: Terminal): Promise<boolean> {
  if (!stdin.isTTY) {
    throw refusal("--fix-config: nobody is there to be asked; add --yes if it is meant.");
  }
  const asking = createInterface({ input: stdin, output: stdout });
  try {
    return /^y(es)?$/i.test((await asking.question("Write it? [y/N] ")).trim());
  } finally {
    asking.close();
  }
}
