import type { Pool } from "../comfy/pool.ts";
import { AppError } from "../errors.ts";

type Backend = Pool["all"][number];

/** One ComfyUI, as a person looks at it. What is not known is missing. */
export interface BackendState {
  name: string;
  /** "draining": it is given nothing new; what it has goes on. */
  state: "ready" | "painting" | "draining" | "away";
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
  /** It is given nothing new. */
  drained: boolean;
  /** Pictures of this server that it has been given and that have not ended. */
  given: number;
  /** The model files of the last picture it was given, which it most likely has in memory. */
  loaded?: string;
  /** Milliseconds a sampling step takes, by workflow, as learnt. */
  stepMs: Readonly<Record<string, number>>;
  /** How fast it is beside the others, as the operator says. */
  weight?: number;
  labels?: Readonly<Record<string, string>>;
}

/** What this server knows of one, because it gives pictures to it. */
export type Standing = Pick<BackendState, "drained" | "given" | "loaded" | "stepMs">;

/** Several who look at once are one question. */
const freshMs = 1_000;

/** As it answers. */
type Asked = Omit<BackendState, keyof Standing>;

interface Known {
  at: number;
  state: Promise<Asked>;
  /** Its socket was open then. */
  connected: boolean;
}

/** How every ComfyUI of a pool is. */
export class BackendStates {
  readonly #pool: Pool;
  readonly #standing: (name: string) => Standing;
  readonly #known = new Map<Backend, Known>();

  constructor(pool: Pool, standing: (name: string) => Standing) {
    this.#pool = pool;
    this.#standing = standing;
  }

  /** "known": one that rests is not asked, for a question could wake it; what was last known counts. */
  async read(ask: "all" | "known"): Promise<BackendState[]> {
    const asked = await Promise.all(
      this.#pool.all.flatMap((backend) => this.#stateOf(backend, ask) ?? []),
    );
    return asked.map((each) => {
      const standing = this.#standing(each.name);
      const isDraining = standing.drained && each.state !== "away";
      return { ...each, ...standing, ...(isDraining ? { state: "draining" as const } : {}) };
    });
  }

  #stateOf(backend: Backend, ask: "all" | "known"): Promise<Asked> | undefined {
    const known = this.#known.get(backend);
    const isResting = !backend.isConnected && backend.runs === 0;
    if (ask === "known" && isResting) {
      return known && isLost(backend, known) ? this.#keep(backend, gone(backend)) : known?.state;
    }
    if (known && Date.now() - known.at < freshMs) return known.state;
    return this.#keep(backend, stateOf(backend));
  }

  #keep(backend: Backend, state: Promise<Asked>): Promise<Asked> {
    this.#known.set(backend, { at: Date.now(), state, connected: backend.isConnected });
    return state;
  }
}

/** What is installed there is forgotten when the other side closes the socket, not when this one does. */
function isLost(backend: Backend, { connected }: Known): boolean {
  return connected && backend.knownObjectInfo === undefined;
}

async function gone({ url: name }: Backend): Promise<Asked> {
  const problem = `ComfyUI at ${name} closed the connection. It is asked again when there is work for it.`;
  return { name, state: "away", problem };
}

async function stateOf({ url: name, client }: Backend): Promise<Asked> {
  const { weight, labels } = client.target;
  const own = { ...(weight === undefined ? {} : { weight }), ...(labels ? { labels } : {}) };
  try {
    const [{ system, devices }, queue] = await Promise.all([client.systemStats(), client.queue()]);
    const [device] = devices;
    const running = queue.queue_running.length;
    return {
      name,
      ...own,
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
    return { name, ...own, state: "away", problem: error.message };
  }
}

function amount<Key extends string>(key: Key, value: unknown): { [key in Key]?: number } {
  return typeof value === "number" ? ({ [key]: value } as { [key in Key]: number }) : {};
}
