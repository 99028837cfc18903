import { z } from "zod";
import type { PictureTool } from "../../studio/tools.ts";
import { requestFrom } from "../../workflows/own-options.ts";
import type { Deps } from "./deps.ts";
import { effortCalled } from "./image-schema.ts";
import { imageTools } from "./image-tools.ts";
import { entryOf, parseArguments, type Tool } from "./tool.ts";

/** Options that only mean something in a chat, or to whoever shares this machine's folders. */
const ofChats = ["wait_seconds", "previews", "save_to", "overwrite"];

/** The image tools for other faces: the same schema, and the same words for what is wrong. */
export function pictureTools(deps: Deps): PictureTool[] {
  return imageTools(deps).map((whole) => {
    const tool = withoutChat(whole);
    const { name, title, description } = tool;
    const { inputSchema } = entryOf(tool);
    return {
      name,
      title,
      description,
      inputSchema,
      read(args) {
        const { webhook_url: webhookUrl, ...rest } = parseArguments(tool, args);
        const request = requestFrom(rest);
        const effort = effortCalled(rest["quality"]);
        if (effort !== undefined) request.quality = effort;
        return typeof webhookUrl === "string" ? { request, webhookUrl } : { request };
      },
    };
  });
}

function withoutChat(tool: Tool): Tool {
  const shape = Object.entries(tool.input.shape).filter(([name]) => !ofChats.includes(name));
  return { ...tool, input: z.strictObject(Object.fromEntries(shape)) };
}
