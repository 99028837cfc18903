import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

const debian = "/usr/lib/postgresql";
const user = "easel";

/** Where its programs are: a Debian package puts them beside each other, by version. */
function binaries(): string | undefined {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => +b - +a) : [];
  const folders = [
    ...versions.map((version) => path.join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(path.delimiter),
  ];
  return folders.find((folder) =>
    ["initdb", "postgres"].every((name) => existsSync(path.join(folder, name))),
  );
}

const bin = binaries();

/** Why tests on a PostgreSQL are left out here; undefined where they can run. */
export const noPostgres = bin
  ? undefined
  : "no PostgreSQL: there is no initdb in /usr/lib/postgresql/*/bin or on the PATH";

/** A PostgreSQL of one's own in a folder; it goes on until it is sent SIGQUIT. */
export class Postgres {
  readonly #dir: string;
  readonly #isDurable: boolean;
  /** It refuses to run as root. */
  readonly #as = process.getuid?.() === 0 ? nobody() : {};

  /** @param durable whether what is written survives a power cut, as people have it */
  constructor(dir: string, { durable = false }: { durable?: boolean } = {}) {
    this.#dir = dir;
    this.#isDurable = durable;
  }

  /** Makes it, unless somebody has, and waits until it answers. */
  async start(): Promise<void> {
    try {
      mkdirSync(path.join(this.#dir, "data"), { mode: 0o700 });
    } catch {
      return this.#answers();
    }
    if (this.#as.uid !== undefined) {
      for (const dir of [this.#dir, path.join(this.#dir, "data")]) {
        chownSync(dir, this.#as.uid, this.#as.gid ?? this.#as.uid);
      }
    }
    const initdb = ["-D", "data", "-U", user, "-A", "trust", "-E", "UTF8"];
    const { status, stderr } = spawnSync(
      path.join(bin ?? "", "initdb"),
      [...initdb, "--no-locale", "--no-sync"],
      { cwd: this.#dir, encoding: "utf8", ...this.#as },
    );
    if (status !== 0) throw new Error(`initdb: ${stderr}`);
    this.run();
    await this.#answers();
  }

  /** Starts it on what is in the folder. */
  run(): void {
    const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
    const settings = {
      listen_addresses: "",
      unix_socket_directories: this.#dir,
      ...(this.#isDurable ? {} : quick),
      shared_buffers: this.#isDurable ? "128MB" : "32MB",
      max_connections: "200",
    };
    spawn(
      path.join(bin ?? "", "postgres"),
      ["-D", "data", ...Object.entries(settings).flatMap(([key, to]) => ["-c", `${key}=${to}`])],
      { cwd: this.#dir, detached: true, stdio: "ignore", ...this.#as },
    ).unref();
  }

  url(database = "postgres"): string {
    return `postgres://${user}@${encodeURIComponent(this.#dir)}/${database}`;
  }

  /** An empty database; its address. */
  async database(): Promise<string> {
    await this.start();
    const name = `d${randomBytes(6).toString("hex")}`;
    await this.query("postgres", `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  async query(database: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(database) });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async #answers(): Promise<void> {
    for (;;) {
      try {
        await this.query("postgres", "SELECT 1");
        return;
      } catch {
        await delay(50);
      }
    }
  }
}

function nobody(): { uid?: number; gid?: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
