import { AppError, messageOf } from "../../errors.ts";

export interface GreetingParts {
  version: string;
  /** The ComfyUI that is used, without credentials. */
  comfyui: string;
  dataDir: string;
  /** Asks that ComfyUI; answers with its version where it tells one. */
  ask(): Promise<string | undefined>;
  write(text: string): void;
}

/** For a person who started a server in a terminal, where it would only seem to hang. */
export async function greet({ version, comfyui, dataDir, ask, write }: GreetingParts) {
  write(
    [
      `comfy-easel ${version}: an MCP server, waiting for an MCP client on stdin. Ctrl-C ends it; comfy-easel --help says what else it does.`,
      `  ComfyUI      ${comfyui}`,
      `  data folder  ${dataDir}`,
      "",
    ].join("\n"),
  );
  try {
    const answered = await ask();
    write(`  The ComfyUI answers${answered ? ` (version ${answered})` : ""}.\n`);
  } catch (error) {
    if (error instanceof AppError) write(`  ${messageOf(error)}\n`);
    else write(`  The ComfyUI does not answer: ${messageOf(error)}\n`);
  }
}
