import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { openSqlite } from "../src/tasks/store/sqlite.ts";
import type { TaskStore } from "../src/tasks/store/store.ts";
import { median, spread, timed } from "./figures.ts";

const rounds = 40;

/** Prints what a page of 50 takes out of 1,000 tasks and out of 1,000,000, by three filters. */
export async function comparePages(
  what: string,
  small: TaskStore,
  large: TaskStore,
): Promise<void> {
  for (const [name, filter] of [
    ["newest", {}],
    ["failed", { states: ["failed" as const] }],
    ["of one tool since a time", { tool: "img2img", since: "2020-01-01T00:10:00.000Z" }],
  ] as const) {
    const times: Record<"small" | "large", number[]> = { small: [], large: [] };
    for (let i = 0; i < rounds; i += 1) {
      times.small.push(await timed(() => small.list(filter, 50)));
      times.large.push(await timed(() => large.list(filter, 50)));
    }
    const [a, b] = [median(times.small), median(times.large)];
    console.log(
      `${what}, ${name}: from 1k ${a.toFixed(2)} ms, from 1M ${b.toFixed(2)} ms, ratio ${(b / a).toFixed(2)} ` +
        `(middle half: ${spread(times.small)} and ${spread(times.large)})`,
    );
  }
}

/** A page of 50 out of a thousand tasks and out of a million, by state and without a filter. */
export async function pages(dir: string): Promise<void> {
  const small = await filled(path.join(dir, "small.sqlite"), 1_000);
  const large = await filled(path.join(dir, "large.sqlite"), 1_000_000);
  await comparePages("page of 50", small, large);
  const { tasks } = await large.list({}, 20);
  const status = await Promise.all(tasks.map(({ id }) => timed(() => large.get(id))));
  const deletion: number[] = [];
  for (const { id } of tasks) {
    deletion.push(
      await timed(async () => {
        await large.conceal(id);
        await large.erase(id);
      }),
    );
  }
  console.log(
    `with 1M on record: one record ${median(status).toFixed(2)} ms, one deletion ${median(deletion).toFixed(2)} ms`,
  );
  await small.close();
  await large.close();
}

/** Records of about 1 KB each, one a second, written by SQLite itself. */
async function filled(file: string, count: number): Promise<TaskStore> {
  const store = await openSqlite(file);
  const sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  await sqlite.query(
    `INSERT INTO tasks(key, value)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
     SELECT 't' || printf('%016d', i), json_object('value', json_object(
       'id', 't' || printf('%016d', i),
       'tool', CASE i % 3 WHEN 0 THEN 'img2img' ELSE 'generate_image' END,
       'state', CASE i % 10 WHEN 0 THEN 'failed' ELSE 'completed' END,
       'createdAt', strftime('%Y-%m-%dT%H:%M:%S.000Z', 1577836800 + i, 'unixepoch'),
       'params', json_object('prompt', printf('%.*c', 700, 'p')),
       'inputs', json('{}'), 'runs', json('[]'), 'warnings', json('[]')))
     FROM n`,
  );
  await sqlite.close();
  return store;
}
