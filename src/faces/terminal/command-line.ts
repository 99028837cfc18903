import { Command, CommanderError, Option as CommanderOption } from "commander";
import { type AppError, refusal } from "../../errors.ts";
import { type Option, options, optionUsage } from "../../options.ts";
import { nearest } from "../../words.ts";
import { type CommandName, type CommandText, commands } from "./commands.ts";

/** Every value that was given to a flag, in order; a switch that is on has "1". */
export type Flags = Record<string, string[] | undefined>;

export interface Invocation {
  command: CommandName;
  flags: Flags;
  operands: string[];
}

/** What to do, or what to print instead. */
export type CommandLine = Invocation | { text: string };

/**
 * Reads the arguments of the shell. Options that all commands share may stand before or after the
 * command. Throws `invalid_input` in the words of the other faces.
 */
export function readCommandLine(args: readonly string[], version: string): CommandLine {
  const reading = new Reading(version);
  try {
    return reading.read(args);
  } catch (error) {
    if (error instanceof CommanderError) throw reading.worded(error);
    throw error;
  }
}

class Reading {
  readonly #program: Command;
  readonly #version: string;
  #printed = "";
  /** What `help` was asked for. */
  #asked = "";
  /** The command that was called, if any. */
  #called: CommandText | undefined;
  #invocation: Invocation | undefined;

  constructor(version: string) {
    this.#version = version;
    this.#program = this.#root();
    for (const command of commands) this.#add(command);
    this.#program
      .command("version")
      .description("print the version")
      .action(() => {
        this.#printed = `${version}\n`;
      });
  }

  read(args: readonly string[]): CommandLine {
    this.#asked = args.at(-1) ?? "";
    const called = args.find((word) => commandNames().includes(word));
    this.#called = commands.find(({ name }) => name === called);
    try {
      this.#program.parse(args, { from: "user" });
    } catch (error) {
      // Help ends the parsing by an exception of its own.
      if (this.#printed === "" || !(error instanceof CommanderError)) throw error;
    }
    if (this.#program.getOptionValue("version")) return { text: `${this.#version}\n` };
    if (this.#invocation) return this.#invocation;
    return { text: this.#printed };
  }

  /** Commander's complaint in our words; it knows nothing of the options of other commands. */
  worded(error: CommanderError): AppError {
    if (error.code === "commander.help") return unknownCommand(this.#asked, commandNames());
    const [, given = ""] = /'(?:-\w, )?([^' ]*)/.exec(error.message) ?? [];
    switch (error.code) {
      case "commander.unknownOption":
        return this.#unknownOption(given.split("=")[0] ?? given);
      case "commander.optionMissingArgument":
        return refusal(`${given}: a value is missing. comfy-easel --help says what it takes.`);
      case "commander.missingArgument":
        return refusal(`${given}: missing. Try: comfy-easel workflow check my-export.json`);
      default:
        return refusal(`${lowered(error.message)} ${lookUp}`);
    }
  }

  #root(): Command {
    const root = new Command("comfy-easel")
      .description(
        `comfy-easel ${this.#version}: an MCP server that gives AI assistants a picture studio on ComfyUI\n\nWithout a command it serves MCP on stdin and stdout.`,
      )
      .usage("[options] [command]")
      .exitOverride()
      .configureHelp({ minWidthToWrap: 30 })
      .configureOutput({
        writeOut: (text) => {
          this.#printed += text;
        },
        writeErr: () => {},
        outputError: () => {},
      })
      .helpOption("-h, --help", "this help; after a command, the help of that command")
      .helpCommand("help [command]", "the help of a command")
      .option("-v, --version", "print the version")
      .allowExcessArguments()
      .action(() => {
        const [given] = root.args;
        if (given !== undefined) throw unknownCommand(given, commandNames());
        this.#invocation = { command: "serve", flags: flagsOf(root), operands: [] };
      });
    root.addOption(new CommanderOption("-V", "as -v").hideHelp());
    root.on("option:V", () => root.setOptionValue("version", true));
    for (const option of Object.values<Option>(options)) root.addOption(commanderOption(option));
    return root;
  }

  #add({ name, operands, help, options: own, examples }: CommandText): void {
    const [first = "", second] = name.split(" ");
    const parent = second === undefined ? this.#program : this.#group(first);
    const command = parent
      .command(`${second ?? first} ${operands}`.trim())
      .description(help)
      .usage(`${operands} [options]`.trim())
      .allowExcessArguments(false)
      .addHelpText("after", `\n${moreHelp(examples)}`);
    for (const option of own) command.addOption(commanderOption(option));
    command.action(() => {
      const flags = { ...flagsOf(this.#program), ...flagsOf(command) };
      this.#invocation = { command: name, flags, operands: command.args };
    });
  }

  /** A command that only has commands below it. */
  #group(name: string): Command {
    const known = this.#program.commands.find((command) => command.name() === name);
    if (known) return known;
    const group = this.#program
      .command(name)
      .description("check or convert an own workflow, or write its binding")
      .usage("check|convert|init FILE")
      .allowExcessArguments()
      .action(() => {
        const names = group.commands.map((command) => command.name());
        const [given] = group.args;
        if (given !== undefined) throw unknownCommand(`${name} ${given}`, names);
        throw refusal(
          `${name}: expected ${names.join(" or ")} and one file. Try: comfy-easel workflow check my-export.json`,
        );
      });
    return group;
  }

  #unknownOption(given: string): AppError {
    const owners = commands.filter(({ options: own }) =>
      own.some(({ flag }) => `--${flag}` === given),
    );
    const [owner] = owners;
    if (owner) {
      return refusal(
        `${given} is an option of ${owner.name}: comfy-easel ${owner.name} ${given} …`,
      );
    }
    const name = given.replace(/^-+/, "");
    const called = this.#called;
    const operand = /[a-z]+/.exec(called?.operands ?? "")?.[0];
    if (called && operand && nearest(name, [operand]).length > 0) {
      return refusal(
        `There is no option ${given.slice(0, 60)}: the ${operand} needs none. Write: comfy-easel ${called.name} "…"`,
      );
    }
    const own = called ? called.options : commands.flatMap((each) => each.options);
    const all = [...Object.values<Option>(options), ...own];
    const close = nearest(name, [...new Set(all.map(({ flag }) => flag))]);
    const hint =
      close.length > 0 ? `Did you mean ${close.map((flag) => `--${flag}`).join(" or ")}? ` : "";
    return refusal(`There is no option ${given.slice(0, 60)}. ${hint}${lookUp}`);
  }
}

const lookUp = "comfy-easel --help lists the options.";

function moreHelp(examples: readonly string[]): string {
  return [
    ...(examples.length > 0 ? ["For example:", ...examples.map((line) => `  ${line}`), ""] : []),
    "Options for the ComfyUI to use, the data folder and so on: comfy-easel --help",
  ].join("\n");
}

function commanderOption(option: Option): CommanderOption {
  const usage = optionUsage({
    ...option,
    ...(option.value ? { value: `<${option.value.replace(/^"|"$/g, "")}>` } : {}),
  });
  const variable = option.env ? ` [${option.env}]` : "";
  const made = new CommanderOption(usage, `${option.help}${variable}`);
  if (option.value) made.argParser((value, before: string[] = []) => [...before, value]);
  return made;
}

function flagsOf(command: Command): Flags {
  const flags: Flags = {};
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value !== undefined) flags[option.name()] = Array.isArray(value) ? value : ["1"];
  }
  return flags;
}

function commandNames(): string[] {
  return [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? name))];
}

function unknownCommand(given: string, known: readonly string[]): AppError {
  const close = nearest(given.split(" ").at(-1) ?? given, known);
  const hint = close.length > 0 ? `Did you mean ${close.join(" or ")}?` : "";
  const all = `Commands: ${known.join(", ")}; without one it serves MCP.`;
  return refusal(`There is no command ${JSON.stringify(given.slice(0, 60))}. ${hint || all}`);
}

function lowered(message: string): string {
  const text = message.replace(/^error: /, "").replace(/\s+/g, " ");
  return /[.?!)]$/.test(text) ? text : `${text}.`;
}
