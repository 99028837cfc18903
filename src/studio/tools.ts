import type { TaskRequest } from "../workflows/request.ts";

/** A tool that makes pictures, for a face that has its calls and no chat. */
export interface PictureTool {
  name: string;
  title: string;
  description: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
  /** Checks arguments. Throws `invalid_input`, naming what is wrong and the way out. */
  read(args: unknown): PictureCall;
}

export interface PictureCall {
  request: TaskRequest;
  webhookUrl?: string;
}
