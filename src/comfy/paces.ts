/** How long one run of a workflow took, as its own events told. */
export interface Timing {
  /** From its start to its end, in ms. */
  ms: number;
  /** What came before the first step of its sampler: models, prompts. */
  beforeStepsMs?: number;
  /** One step of its sampler. */
  stepMs?: number;
}

/** What a run is for whoever guesses how long it takes. */
export interface Sort {
  workflow: string;
  /** The files a ComfyUI must have in memory for it, as one text. */
  model: string;
  /** Steps times megapixels, or 1: what makes one run of a workflow longer than another. */
  effort: number;
}

interface Pace {
  /** Per effort, in ms. */
  rate: number;
  stepMs?: number;
  seen: number;
}

/** What was learnt, as JSON. */
export interface Learnt {
  version: 1;
  /** By workflow, then by backend. */
  paces: Record<string, Record<string, Pace>>;
  /** By model, then by backend: how long it takes to load, in ms. */
  loads: Record<string, Record<string, number>>;
  /** By workflow: its rate on a backend of speed 1. */
  usual: Record<string, number>;
  /** By backend, beside the others. */
  speeds: Record<string, number>;
}

/** Before anything is known: long enough that a batch spreads rather than waits for a model. */
const guess = { runMs: 10_000, loadMs: 10_000 };
/** The newest run counts this much against all before it. */
const share = 0.3;
/** Workflows, and models, that are remembered: the last used. */
const mostKept = 500;

/**
 * How long workflows take on each ComfyUI of a pool, and models to load there: learnt from runs that
 * ended, guessed from other ComfyUIs where this one has not run them yet.
 */
export class Paces {
  #learnt: Learnt = { version: 1, paces: {}, loads: {}, usual: {}, speeds: {} };
  #usualLoads = new Map<string, number>();
  readonly #weights: ReadonlyMap<string, number>;

  /** `weights`: how fast each backend is beside the others, until that is learnt. */
  constructor(weights: ReadonlyMap<string, number> = new Map()) {
    this.#weights = weights;
  }

  /** Expected time of a run whose model is loaded, in ms. */
  runMs(backend: string, { workflow, effort }: Sort): number {
    const own = this.#learnt.paces[workflow]?.[backend];
    if (own) return own.rate * effort;
    const usual = this.#learnt.usual[workflow];
    return (usual === undefined ? guess.runMs : usual * effort) / this.#speed(backend);
  }

  /** Expected time until a model is loaded that is not, in ms. */
  loadMs(backend: string, model: string): number {
    const own = this.#learnt.loads[model]?.[backend];
    return own ?? this.#usualLoads.get(model) ?? guess.loadMs;
  }

  /** `wasLoaded`: its model was in memory; undefined when that is not known. */
  learn(backend: string, sort: Sort, timing: Timing, wasLoaded: boolean | undefined): void {
    const { workflow, model, effort } = sort;
    const { usual, speeds } = this.#learnt;
    const paces = touched(this.#learnt.paces, workflow);
    const own = paces[backend];
    const found = wasLoaded === true ? 0 : this.#loadIn(backend, timing, sort);
    const loadMs = found ?? 0;
    const rate = mixed(own?.rate, Math.max(timing.ms - loadMs, 0.01) / effort);
    const stepMs = timing.stepMs ?? own?.stepMs;
    paces[backend] = {
      rate,
      seen: (own?.seen ?? 0) + 1,
      ...(stepMs === undefined ? {} : { stepMs }),
    };
    const known = usual[workflow];
    if (known !== undefined) speeds[backend] = mixed(speeds[backend], known / rate);
    usual[workflow] = mixed(known, rate * this.#speed(backend));
    const loads = touched(this.#learnt.loads, model);
    // Where it is not known whether it had to be loaded, that is a first guess and no more.
    const isGuess = wasLoaded === undefined && loads[backend] === undefined && !own;
    if (found === undefined || (wasLoaded !== false && !isGuess)) return;
    loads[backend] = mixed(loads[backend], loadMs);
    this.#usualLoads.set(model, mixed(this.#usualLoads.get(model), loadMs));
  }

  /** How long a step takes on a backend, by workflow, in ms. */
  stepsOf(backend: string): Record<string, number> {
    const found = Object.entries(this.#learnt.paces).flatMap(([workflow, paces]) => {
      const stepMs = paces[backend]?.stepMs;
      return stepMs === undefined ? [] : [[workflow, stepMs] as const];
    });
    return Object.fromEntries(found);
  }

  toJSON(): Learnt {
    return this.#learnt;
  }

  /** Takes what an earlier process had learnt; anything else is left alone. */
  recall(learnt: unknown): void {
    if (!isLearnt(learnt)) return;
    this.#learnt = learnt;
    for (const [model, loads] of Object.entries(learnt.loads)) {
      for (const ms of Object.values(loads)) {
        this.#usualLoads.set(model, mixed(this.#usualLoads.get(model), ms));
      }
    }
  }

  /** What of a run was loading: what came before its steps, or what it took longer than usual. */
  #loadIn(backend: string, timing: Timing, sort: Sort): number | undefined {
    const { ms, beforeStepsMs, stepMs = 0 } = timing;
    if (beforeStepsMs !== undefined) return Math.min(ms, Math.max(0, beforeStepsMs - stepMs));
    const isKnown = this.#learnt.usual[sort.workflow] !== undefined;
    return isKnown ? Math.min(ms, Math.max(0, ms - this.runMs(backend, sort))) : undefined;
  }

  /** Learnt by the workflows that others run too; until then its weight. */
  #speed(backend: string): number {
    return this.#learnt.speeds[backend] ?? this.#weights.get(backend) ?? 1;
  }
}

function mixed(before: number | undefined, now: number): number {
  return before === undefined ? now : before + share * (now - before);
}

/** The entry of a name, now the last used; the least used goes when there are too many. */
function touched<T>(all: Record<string, Record<string, T>>, name: string): Record<string, T> {
  const entry = all[name] ?? {};
  delete all[name];
  all[name] = entry;
  const [oldest] = Object.keys(all);
  if (oldest !== undefined && Object.keys(all).length > mostKept) delete all[oldest];
  return entry;
}

function isLearnt(value: unknown): value is Learnt {
  if (!isObject(value)) return false;
  const { version, paces, loads, usual, speeds } = value as Record<string, unknown>;
  const isNumbers = (row: unknown) => isObject(row) && Object.values(row).every(isAmount);
  const isTable = (table: unknown, isRow: (row: unknown) => boolean) =>
    isObject(table) && Object.values(table).every(isRow);
  const isPaces = (row: unknown) => isObject(row) && Object.values(row).every(isPace);
  return (
    version === 1 &&
    isTable(paces, isPaces) &&
    isTable(loads, isNumbers) &&
    isNumbers(usual) &&
    isNumbers(speeds)
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function isPace(value: unknown): boolean {
  return isObject(value) && "rate" in value && isAmount(value.rate) && "seen" in value;
}
