import type { Pool } from "../comfy/pool.ts";
import { AppError } from "../errors.ts";

type Backend = Pool["all"][number];

/** One ComfyUI, as a person looks at it. What is not known is missing. */
export interface BackendState {
  name: string;
  state: "ready" | "painting" | "away";
  gpu?: string;
  /** Bytes. */
  vramTotal?: number;
  vramFree?: number;
  /** Prompts in its queue, whoever sent them. */
  running?: number;
  waiting?: number;
  version?: string;
  /** Why it is away. */
  problem?: string;
}

/** Several who look at once are one question. */
const freshMs = 1_000;

interface Known {
  at: number;
  state: Promise<BackendState>;
  /** Its socket was open then. */
  connected: boolean;
}

/** How every ComfyUI of a pool is. */
export class BackendStates {
  readonly #pool: Pool;
  readonly #known = new Map<Backend, Known>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** "known": one that rests is not asked, for a question could wake it; what was last known counts. */
  read(ask: "all" | "known"): Promise<BackendState[]> {
    return Promise.all(this.#pool.all.flatMap((backend) => this.#stateOf(backend, ask) ?? []));
  }

  #stateOf(backend: Backend, ask: "all" | "known"): Promise<BackendState> | undefined {
    const known = this.#known.get(backend);
    const isResting = !backend.isConnected && backend.runs === 0;
    if (ask === "known" && isResting) {
      return known && isLost(backend, known) ? this.#keep(backend, gone(backend)) : known?.state;
    }
    if (known && Date.now() - known.at < freshMs) return known.state;
    return this.#keep(backend, stateOf(backend));
  }

  #keep(backend: Backend, state: Promise<BackendState>): Promise<BackendState> {
    this.#known.set(backend, { at: Date.now(), state, connected: backend.isConnected });
    return state;
  }
}

/** What is installed there is forgotten when the other side closes the socket, not when this one does. */
function isLost(backend: Backend, { connected }: Known): boolean {
  return connected && backend.knownObjectInfo === undefined;
}

async function gone({ url: name }: Backend): Promise<BackendState> {
  const problem = `ComfyUI at ${name} closed the connection. It is asked again when there is work for it.`;
  return { name, state: "away", problem };
}

async function stateOf({ url: name, client }: Backend): Promise<BackendState> {
  try {
    const [{ system, devices }, queue] = await Promise.all([client.systemStats(), client.queue()]);
    const [device] = devices;
    const running = queue.queue_running.length;
    return {
      name,
      state: running > 0 ? "painting" : "ready",
      ...(device ? { gpu: device.name } : {}),
      ...amount("vramTotal", device?.["vram_total"]),
      ...amount("vramFree", device?.["vram_free"]),
      running,
      waiting: queue.queue_pending.length,
      ...(system.comfyui_version === undefined ? {} : { version: system.comfyui_version }),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { name, state: "away", problem: error.message };
  }
}

function amount<Key extends string>(key: Key, value: unknown): { [key in Key]?: number } {
  return typeof value === "number" ? ({ [key]: value } as { [key in Key]: number }) : {};
}
