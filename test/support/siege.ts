import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { cli } from "./child.ts";

const emulators = 3;
const replicas = 2;
const picturesEach = 2;

export interface SiegeOptions {
  databaseUrl: string;
  /** For pictures, and for each server's own data folder. */
  dir: string;
  tasksEachRound: number;
  /** Numbers from 0 to 1, by which is chosen who dies and when. */
  random(): number;
  /** Each server in a process space of its own, as on machines of their own (Linux, as root). */
  apart: boolean;
}

/** What a round, or all of them, have left. */
export interface Damage {
  tasks: number;
  killed: string[];
  /** Tasks that did not end well, and pictures that cannot be fetched. */
  lost: string[];
  /** Runs that a living ComfyUI has made without need: they are on nobody's record. */
  twice: string[];
  /** Files without a record, unfinished work, and prompts that nobody waits for. */
  orphans: string[];
  seconds: number;
}

interface Member {
  name: string;
  url: string;
  args: string[];
  child: ChildProcess | undefined;
}

interface TaskView {
  id: string;
  state: string;
  error: unknown;
  images: { id: string }[];
}

interface Queue {
  queue_running: unknown[];
  queue_pending: unknown[];
}

type History = Record<string, { status: { completed: boolean } }>;

/** Servers and ComfyUIs as processes, of which any may be killed while there is work. */
export class Siege {
  readonly #options: SiegeOptions;
  readonly #members: Member[] = [];
  #tasks = 0;

  private constructor(options: SiegeOptions) {
    this.#options = options;
  }

  static async start(options: SiegeOptions): Promise<Siege> {
    const siege = new Siege(options);
    await siege.#start();
    return siege;
  }

  async #start(): Promise<void> {
    const { databaseUrl, dir } = this.#options;
    for (let i = 0; i < emulators; i += 1) {
      const port = await freePort();
      const args = ["emulator", "--port", `${port}`, "--step-ms", "40"];
      this.#members.push({ name: `ComfyUI ${i}`, url: address(port), args, child: undefined });
    }
    const urls = this.#members.flatMap(({ url }) => ["--comfyui-url", url]);
    for (let i = 0; i < replicas; i += 1) {
      const port = await freePort();
      const own = ["--http", "--port", `${port}`, "--data-dir", path.join(dir, `server${i}`)];
      const shared = ["--database-url", databaseUrl, "--blobs", path.join(dir, "pictures")];
      const args = [...own, ...shared, ...urls, "--rate-limit", "1000000", "--log-level", "error"];
      this.#members.push({ name: `server ${i}`, url: address(port), args, child: undefined });
    }
    await Promise.all(this.#members.map((member) => this.#run(member)));
  }

  /** Work comes in, one of all is killed and started again, and everything must end as if not. */
  async round(): Promise<Damage> {
    const { random, tasksEachRound } = this.#options;
    const started = performance.now();
    const victim = this.#members[Math.floor(random() * this.#members.length)] as Member;
    const asked = Array.from({ length: tasksEachRound }, (_, i) =>
      delay(random() * 300).then(() => this.#ask(i)),
    );
    await delay(random() * 800);
    await this.#kill(victim);
    await this.#run(victim);
    const ids = await Promise.all(asked);
    const tasks = await Promise.all(ids.map((id) => this.#ended(id)));
    const killed = [victim.name];
    const seconds = (performance.now() - started) / 1_000;
    return { tasks: ids.length, killed, seconds, ...(await this.#damage(tasks)) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#kill(member)));
  }

  get #servers(): Member[] {
    return this.#members.filter(({ name }) => name.startsWith("server"));
  }

  async #run(member: Member): Promise<void> {
    const command = [process.execPath, cli, ...member.args];
    const isApart = this.#options.apart && member.name.startsWith("server");
    const [program = "", ...args] = isApart
      ? ["unshare", "--pid", "--fork", "--kill-child", ...command]
      : command;
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    member.child = child;
    const said: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      if (process.env["SIEGE_LOG"]) console.error(`${member.name}: ${line}`);
    });
    child.stdout.resume();
    const path = member.name.startsWith("server") ? "/healthz" : "/system_stats";
    while (!(await isAnswered(`${member.url}${path}`))) {
      if (child.exitCode !== null) throw new Error(`${member.name} ended: ${said.join("\n")}`);
      await delay(20);
    }
  }

  async #kill({ child, url }: Member): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    // What is in a process space of its own dies a moment after what made that.
    while (await isAnswered(url)) await delay(20);
  }

  /** As a careful client: under one key, at any server, until one has answered. */
  async #ask(which: number): Promise<string> {
    this.#tasks += 1;
    const key = `siege-${this.#tasks}`;
    const parameters = { prompt: key, count: picturesEach, width: 64, height: 64, steps: 4 };
    for (let attempt = which; ; attempt += 1) {
      const { url } = this.#servers[attempt % replicas] as Member;
      const answer = await fetch(`${url}/api/v1/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ tool: "generate_image", arguments: parameters }),
      }).catch(() => undefined);
      const body = answer?.ok ? await jsonOf<{ task: TaskView }>(answer) : undefined;
      if (body) return body.task.id;
      if (answer && answer.status < 500) throw new Error(`${answer.status} ${await answer.text()}`);
      await delay(50);
    }
  }

  async #ended(id: string): Promise<TaskView | string> {
    for (let attempt = 0; ; attempt += 1) {
      const { url } = this.#servers[attempt % replicas] as Member;
      const answer = await fetch(`${url}/api/v1/tasks/${id}`).catch(() => undefined);
      const body = answer && (await jsonOf<{ task?: TaskView }>(answer));
      if (answer?.status === 404) return id;
      const task = body?.task;
      if (task && !["queued", "running"].includes(task.state)) return task;
      await delay(100);
    }
  }

  async #damage(tasks: (TaskView | string)[]): Promise<Pick<Damage, "lost" | "twice" | "orphans">> {
    const damage = { lost: [] as string[], twice: [] as string[], orphans: [] as string[] };
    const url = this.#servers[0]?.url;
    for (const task of tasks) {
      if (typeof task === "string") damage.lost.push(`task ${task} is gone`);
      else if (task.state !== "completed" || task.images.length !== picturesEach) {
        damage.lost.push(`task ${task.id} ${task.state} ${JSON.stringify(task.error)}`);
      } else {
        for (const { id } of task.images) {
          const answer = await fetch(`${url}/files/images/${id}`);
          if (!answer.ok) damage.lost.push(`image ${id}: ${answer.status}`);
          await answer.arrayBuffer();
        }
      }
    }
    await this.#leftOver(damage);
    return damage;
  }

  async #leftOver({ twice, orphans }: Pick<Damage, "twice" | "orphans">): Promise<void> {
    const names = await readdir(path.join(this.#options.dir, "pictures", "images"), {
      recursive: true,
    }).catch(() => []);
    const files = names.filter((name) => /-\d+\.png$/.test(name)).length;
    const { n } = await this.#stored();
    if (files !== n) orphans.push(`${files} files for ${n} pictures on record`);
    const prompts = await this.#promptsOnRecord();
    for (const { name, url } of this.#members) {
      if (name.startsWith("server")) continue;
      const queue = await jsonOf<Queue>(await fetch(`${url}/queue`));
      const waiting = [queue?.queue_running, queue?.queue_pending].flat().length;
      if (waiting > 0) orphans.push(`${waiting} prompts wait at ${name}`);
      const history = (await jsonOf<History>(await fetch(`${url}/history`))) ?? {};
      for (const [id, { status }] of Object.entries(history)) {
        if (!status.completed) continue;
        const known = prompts.get(id);
        if (known === undefined) twice.push(`${id} at ${name} is on no record`);
        else if (known !== "" && known !== url)
          twice.push(`${id} was made at ${name} and at ${known}`);
        else prompts.set(id, url);
      }
    }
  }

  async #query(sql: string): Promise<Record<string, unknown>[]> {
    const { default: pg } = await import("pg");
    const client = new pg.Client({ connectionString: this.#options.databaseUrl });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async #stored(): Promise<{ n: number }> {
    const [row] = await this.#query(
      "SELECT count(*) AS n FROM comfy_easel.tasks, jsonb_path_query(value::jsonb, '$.value.runs[*].images[*]')",
    );
    return { n: Number(row?.["n"]) };
  }

  /** Prompt ids, and at which ComfyUI each has been found so far. */
  async #promptsOnRecord(): Promise<Map<string, string>> {
    const rows = await this.#query(
      "SELECT jsonb_path_query(value::jsonb, '$.value.runs[*].promptId') #>> '{}' AS id FROM comfy_easel.tasks",
    );
    return new Map(rows.map(({ id }) => [String(id), ""]));
  }
}

function address(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Of the ports that were free a moment ago; who comes back must find its own again. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === "object" && bound ? bound.port : 0;
}

async function isAnswered(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => {});
  return answer?.ok ?? false;
}

/** Undefined where the answer broke off. */
async function jsonOf<T>(answer: Response): Promise<T | undefined> {
  return (await answer.json().catch(() => undefined)) as T | undefined;
}
