/** The file that is meant, as ComfyUI spells it: by its whole name, else without folder and extension. */
export function fileOf(name: string, files: readonly string[]): string | undefined {
  const wanted = bare(name);
  return files.find((file) => file === name) ?? files.find((file) => bare(file) === wanted);
}

/** A file's name without folder and extension, in small letters. */
export function bare(file: string): string {
  return stemOf(file).toLowerCase();
}

/** A model file's name without folder and extension. */
export function stemOf(file: string): string {
  return file
    .replaceAll("\\", "/")
    .replace(/^.*\//, "")
    .replace(/\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/i, "");
}
