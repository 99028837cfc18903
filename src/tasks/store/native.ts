import { createRequire } from "node:module";
import { AppError, messageOf } from "../../errors.ts";
import { cut } from "../../words.ts";

/**
 * Keyv's SQLite store, which needs a compiled module. By `require`, because an `import` of it that
 * fails rejects a second promise inside Node, which nobody can catch. Throws `storage`.
 */
export function loadKeyvSqlite(): typeof import("@keyv/sqlite") {
  try {
    return createRequire(import.meta.url)("@keyv/sqlite");
  } catch (error) {
    const [first = ""] = messageOf(error).split("\n");
    throw new AppError(
      "storage",
      `the compiled module sqlite3 cannot be loaded (${cut(first)}). Its install script has not run: allow it, or run npm rebuild sqlite3 where comfy-easel is installed.`,
      { cause: error },
    );
  }
}
