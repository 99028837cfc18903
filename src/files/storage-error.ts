import { AppError, messageOf } from "../errors.ts";
import { cut } from "../words.ts";

const sentences: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space, or delete old tasks with delete_tasks",
  EDQUOT: "the disk quota is used up. Free some space, or delete old tasks with delete_tasks",
  EACCES: "this user may not write there. Change its permissions or choose another data folder",
  EPERM: "this user may not write there. Change its permissions or choose another data folder",
  EROFS: "it is on a read-only file system. Choose another data folder",
  ENOTDIR: "part of that path is a file. Choose another data folder",
  EEXIST: "part of that path is a file. Choose another data folder",
  ENOENT: "no folder can be made there. Choose another data folder",
};

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** What the file system refused, in words for the operator; defects stay what they are. */
export function storageError(folder: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (error instanceof AppError || code === undefined) return error;
  const sentence = sentences[code] ?? cut(messageOf(error));
  const option = sentence.endsWith("data folder") ? " with --data-dir (EASEL_DATA_DIR)" : "";
  return new AppError(
    "storage",
    `The image folder ${folder} cannot be used: ${sentence}${option}.`,
    {
      cause: error,
    },
  );
}
