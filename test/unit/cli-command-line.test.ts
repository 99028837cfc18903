import { expect, test } from "vitest";
import { type CommandLine, readCommandLine } from "../../src/faces/terminal/command-line.ts";
import { commands } from "../../src/faces/terminal/commands.ts";
import { options } from "../../src/options.ts";

function read(line: string): CommandLine {
  return readCommandLine(line.split(" ").filter(Boolean), "1.2.3");
}

function textOf(line: string): string {
  const result = read(line);
  if (!("text" in result)) throw new Error(`${line} is to be run, not answered`);
  return result.text;
}

test.for([
  "--log-level warn --demo generate a fox --seed 7",
  "generate --log-level warn --demo --seed 7 a fox",
  "generate a fox --seed=7 --log-level=warn --demo",
  "--demo generate a --seed 7 fox --log-level warn",
])("options may stand before or after the command: %s", (line) => {
  expect(read(line)).toEqual({
    command: "generate",
    flags: { "log-level": ["warn"], demo: ["1"], seed: ["7"] },
    operands: ["a", "fox"],
  });
});

test("without a command it serves", () => {
  expect(read("--data-dir /x")).toEqual({
    command: "serve",
    flags: { "data-dir": ["/x"] },
    operands: [],
  });
});

test("a repeated option keeps every value, and one that begins with a dash is taken", () => {
  expect(read("generate x --lora a --lora b:0.5 --guidance -1")).toMatchObject({
    flags: { lora: ["a", "b:0.5"], guidance: ["-1"] },
  });
});

test("what follows -- is the prompt", () => {
  expect(read("generate -- --demo fox")).toMatchObject({ flags: {}, operands: ["--demo", "fox"] });
});

test.for(["-v", "-V", "--version", "version"])("%s answers with the version", (line) => {
  expect(textOf(line)).toBe("1.2.3\n");
});

test.for(["-h", "--help", "help"])("%s names every command and every shared option", (line) => {
  const text = textOf(line);

  for (const { flag, env } of Object.values(options)) {
    expect(text).toContain(`--${flag}`);
    expect(text).toContain(`[${env}]`);
  }
  for (const name of ["generate", "emulator", "workflow"]) expect(text).toContain(`\n  ${name} `);
});

test.for(commands)("the help of $name explains each of its options", ({ name, options: own }) => {
  const text = textOf(`${name} --help`);

  expect(text).toMatch(new RegExp(`^Usage: comfy-easel ${name}`));
  const flat = text.replace(/\s+/g, " ");
  for (const { flag, help } of own) {
    expect(text).toContain(`--${flag}`);
    expect(flat).toContain(help);
  }
});

test("help generate is generate --help", () => {
  expect(textOf("help generate")).toBe(textOf("generate --help"));
});

test.for<[line: string, says: string]>([
  ["--demoo", "There is no option --demoo. Did you mean --demo?"],
  ["generate x --sed 5", "There is no option --sed. Did you mean --seed?"],
  ["generate x --zzzzzzz", "There is no option --zzzzzzz. comfy-easel --help lists the options."],
  ["--width 5 generate x", "--width is an option of generate: comfy-easel generate --width …"],
  ["generate --seed", "--seed: a value is missing."],
  ["generat x", 'There is no command "generat". Did you mean generate?'],
  [
    "paint",
    'There is no command "paint". Commands: generate, emulator, doctor, migrate, backends, workflow;',
  ],
  ["help paint", 'There is no command "paint".'],
  ["workflow", "workflow: expected check or convert or init and one file."],
  ["workflow chek x", 'There is no command "workflow chek". Did you mean check?'],
  ["workflow check", "file: missing."],
  ["workflow check a b", "Expected 1 argument but got 2."],
  ["emulator now", "Expected 0 arguments but got 1."],
])("%s is refused with the way out", ([line, says]) => {
  expect(() => read(line)).toThrow(
    expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(says) }),
  );
});

test("a mistyped option is compared with those of its command, and with what needs no option", () => {
  expect(() => read("generate --promt fox")).toThrow(/the prompt needs none/);
  expect(() => read("generate fox --sed 7")).toThrow(/Did you mean --seed/);
  expect(() => read("generate fox --stap-ms 7")).not.toThrow(/--step-ms/);
  expect(() => read("emulator --stap-ms 7")).toThrow(/Did you mean --step-ms/);
  expect(() => read("emulator --prt 7")).toThrow(/Did you mean --port/);
});
