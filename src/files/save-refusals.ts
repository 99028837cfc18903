import { basename, dirname, join } from "node:path";
import { AppError, messageOf, refusal } from "../errors.ts";
import { cut } from "../words.ts";
import { listed, looksInside, type Root, rootsOption } from "./roots.ts";
import { errnoOf } from "./storage-error.ts";

export const mostNewFolders = 5;

/** The words for whatever is not written, and why. */
export class SaveRefusals {
  readonly #parameter: string;
  readonly #roots: readonly string[];

  constructor(parameter: string, roots: readonly string[]) {
    this.#parameter = parameter;
    this.#roots = roots;
  }

  off(): AppError {
    return this.#refusal(
      `saving to files is off on this server. Its operator turns it on by naming folders with ${rootsOption}. Left out, the picture still comes back in the answer.`,
    );
  }

  noRoot(): AppError {
    return this.#refusal(
      `none of the folders that may be written exists: ${listed(this.#roots)}. Create one, or change ${rootsOption}.`,
    );
  }

  noPath(target: string): AppError {
    return this.#refusal(
      `"${cut(target)}" is not a path. Name a file such as pictures/hero.png, or a folder such as pictures/.`,
    );
  }

  noStart(target: string): AppError {
    const [root = ""] = this.#roots;
    return this.#refusal(
      `"${cut(target)}" is a relative path, and nothing says where it starts: this server works in ${cut(process.cwd())}, outside the folders that may be written (${listed(this.#roots)}). Give an absolute path, such as ${cut(join(root, target))}.`,
    );
  }

  outside(path: string, roots: readonly Root[]): AppError {
    const folders = `the folders that may be written (${listed(this.#roots)})`;
    if (looksInside(path, roots)) {
      return this.#refusal(
        `"${cut(path)}" leads out of ${folders} by a link. Choose a path that stays inside.`,
      );
    }
    return this.#refusal(
      `"${cut(path)}" is outside ${folders}. Choose a path inside, or let the operator add its folder with ${rootsOption}.`,
    );
  }

  hidden(path: string): AppError {
    return this.#refusal(
      `"${cut(path)}" is hidden (a name in it starts with a dot), and nothing is written there. Choose names without a leading dot.`,
    );
  }

  noFolder(path: string): AppError {
    return this.#refusal(`"${cut(path)}" is on the way and is not a folder. Choose another path.`);
  }

  noFile(path: string): AppError {
    return this.#refusal(
      `"${cut(path)}" is there and is not a file, so it is not replaced. Choose another name.`,
    );
  }

  tooDeep(base: string, missing: readonly string[]): AppError {
    return this.#refusal(
      `${missing.length} folders are missing below ${cut(base)} (${cut(missing.join("/"))}), at most ${mostNewFolders} are made. Check the path, or create them first.`,
    );
  }

  noFormat(name: string): AppError {
    return this.#refusal(
      `"${cut(name)}" has no extension of a format that is written: .png, .jpg, .jpeg or .webp. Add one, or end a folder's name with a slash.`,
    );
  }

  exists(folder: string, names: readonly string[], cause?: unknown, before = ""): AppError {
    return this.#refusal(
      `${listed(names)} already exists in ${cut(folder)}. Choose another name, or replace it with overwrite: true.${before}`,
      cause,
    );
  }

  /** What the file system said about `path`, after some pictures were `saved`. */
  failed(path: string, error: unknown, saved: readonly string[] = []): unknown {
    const code = errnoOf(error);
    if (error instanceof AppError || code === undefined) return error;
    const before = saved.length > 0 ? ` Saved before that: ${listed(saved)}.` : "";
    if (code === "EEXIST") return this.exists(dirname(path), [basename(path)], error, before);
    if (["EACCES", "EPERM", "EROFS"].includes(code)) {
      return this.#refusal(
        `the server may not write to ${cut(path)}. Change its permissions, or choose another folder.${before}`,
        error,
      );
    }
    if (["ENOSPC", "EDQUOT"].includes(code)) {
      const message = `${this.#parameter}: the disk of ${cut(path)} is full. Free some space, or choose another folder.${before}`;
      return new AppError("storage", message, { cause: error });
    }
    return this.#refusal(
      `${cut(path)} cannot be written (${cut(messageOf(error))}).${before}`,
      error,
    );
  }

  #refusal(message: string, cause?: unknown): AppError {
    return refusal(`${this.#parameter}: ${message}`, cause);
  }
}
