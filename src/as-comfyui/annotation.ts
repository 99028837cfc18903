/** ComfyUI's three folders of files. */
export type FolderName = "input" | "output" | "temp";

/** A file as nodes and routes name it: `sub/name.png`, or `name.png [output]`. */
export function annotation(text: string): { name: string; folder: FolderName | undefined } {
  for (const folder of ["output", "input", "temp"] as const) {
    const mark = `[${folder}]`;
    // One character before the mark goes too, whatever it is (`folder_paths.annotated_filepath`).
    if (text.endsWith(mark)) return { name: text.slice(0, -(mark.length + 1)), folder };
  }
  return { name: text, folder: undefined };
}
