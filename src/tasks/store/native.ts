import { createRequire } from "node:module";
import { AppError, messageOf } from "../../errors.ts";
import { cut } from "../../words.ts";

/**
 * Keyv's SQLite store, which needs a compiled module; else the error of kind `storage` that says
 * what to do. Loaded late, so that a module that cannot be loaded is an error and no dead server,
 * and by `require`, because an `import` that fails rejects a second promise inside Node, which
 * nobody can catch.
 */
export function loadKeyvSqlite(): typeof import("@keyv/sqlite") | AppError {
  try {
    return createRequire(import.meta.url)("@keyv/sqlite");
  } catch (error) {
    // The places that were looked at are named below it.
    const first =
      messageOf(error)
        .split("\n")[0]
        ?.replace(/\.? Tried:$/, "") ?? "";
    return new AppError(
      "storage",
      `the compiled module sqlite3 cannot be loaded (${cut(first)}). Start comfy-easel with Node 22.13 or later, which needs none; or allow its install script, or run npm rebuild sqlite3 where comfy-easel is installed.`,
      { cause: error },
    );
  }
}
