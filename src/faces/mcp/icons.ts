import type { Icon } from "./answer.ts";
import type { Peer } from "./peer.ts";

/** The easel, for the server. */
export const serverIcons: Icon[] = icon(
  "M6 3h12v10H6zM8 5v6h8V5zM11 1h2v2h-2zM10 13 7 23H5l3-10zM14 13h2l3 10h-2zM11 13h2v6h-2z",
);

/** Paths on 24 x 24, by tool. */
const drawings: Readonly<Record<string, string>> = {
  generate_image: "M12 2l2 7 7 3-7 3-2 7-2-7-7-3 7-3z",
  img2img: "M4 4h10v2H6v8H4zM10 10h10v10H10zm2 2v6h6v-6z",
  inpaint: "M4 20l1-5L16 4l4 4L9 19zM13 7l4 4z",
  outpaint: "M8 8h8v8H8zM2 2h6v2H4v4H2zM16 2h6v6h-2V4h-4zM2 16h2v4h4v2H2zM20 16h2v6h-6v-2h4z",
  upscale: "M3 13h8v8H3zM13 3h8v8h-2V6l-6 6-1-1 6-6h-5z",
  remove_background: "M12 3a4 4 0 0 1 2 7l6 11H4l6-11a4 4 0 0 1 2-7z",
  task_status: "M12 2a10 10 0 1 0 .1 0zM11 6h2v6l4 3-1 2-5-4z",
  list_tasks: "M4 5h16v2H4zM4 11h16v2H4zM4 17h16v2H4z",
  cancel_task: "M6 6h12v12H6z",
  delete_tasks: "M9 3h6l1 2h4v2H4V5h4zM6 9h12l-1 12H7z",
  get_image: "M3 4h18v16H3zM5 6v12l5-6 4 4 2-2 3 4V6z",
  list_workflows: "M3 3h7v5H3zM14 16h7v5h-7zM6 8h2v9h6v2H6z",
};

/**
 * Clients that draw a tool's icon, by `clientInfo.name`. A list with icons is twice as long, and
 * no model reads them, so nobody else is sent any.
 */
const drawers: readonly RegExp[] = [/^Visual Studio Code/, /^(mcp-)?inspector/];

export function iconsOf(tool: string, client: Peer): Icon[] | undefined {
  const drawing = drawings[tool];
  if (drawing === undefined || !drawers.some((name) => name.test(client.name))) return undefined;
  return icon(drawing);
}

function icon(path: string): Icon[] {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#2338c8" d="${path}"/></svg>`;
  const src = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
  return [{ src, mimeType: "image/svg+xml", sizes: ["any"] }];
}
