import { AppError, messageOf } from "../../errors.ts";

export interface GreetingParts {
  version: string;
  /** The ComfyUIs that are used, without credentials. */
  comfyuis: readonly GreetedComfy[];
  dataDir: string;
  write(text: string): void;
}

export interface GreetedComfy {
  name: string;
  /** Answers with its version where it tells one. */
  ask(): Promise<string | undefined>;
}

/** For a person who started a server in a terminal, where it would only seem to hang. */
export async function greet({ version, comfyuis, dataDir, write }: GreetingParts) {
  write(
    [
      `comfy-easel ${version}: an MCP server, waiting for an MCP client on stdin. Ctrl-C ends it; comfy-easel --help says what else it does.`,
      ...comfyuis.map(({ name }) => `  ComfyUI      ${name}`),
      `  data folder  ${dataDir}`,
      "",
    ].join("\n"),
  );
  await Promise.all(
    comfyuis.map(async ({ name, ask }) => {
      const which = comfyuis.length > 1 ? `The ComfyUI at ${name}` : "The ComfyUI";
      try {
        const answered = await ask();
        write(`  ${which} answers${answered ? ` (version ${answered})` : ""}.\n`);
      } catch (error) {
        if (error instanceof AppError) write(`  ${messageOf(error)}\n`);
        else write(`  ${which} does not answer: ${messageOf(error)}\n`);
      }
    }),
  );
}
