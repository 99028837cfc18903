import { counts, type Job } from "./pool-demand.ts";

/** A model, with what of the relaxation belongs to it. */
interface Family {
  load: number;
  kinds: Kind[];
  /** The most that a backend on which it is loaded can earn from each slot on. */
  worth: Float64Array;
  /** How many such backends there are at each slot. */
  there: Float64Array;
}

/** Pictures of one model that take equally long. */
interface Kind {
  /** Its length on a backend of each speed, without loading. */
  slots: readonly number[];
  /** How many are asked for at each slot, and what each of those pays. */
  sizes: Float64Array;
  prices: Float64Array;
  /** What the ascent remembers of each price. */
  mean: Float64Array;
  square: Float64Array;
  /** The most that one asked for until then offers: its price and when it was asked for. */
  offers: Float64Array;
  /** How many are begun at each slot. */
  starts: Float64Array;
}

interface Relaxed {
  families: Family[];
  horizon: number;
  /** What a backend earns from each slot on that loads a model then, and one that has none yet. */
  fresh: Float64Array;
  cold: Float64Array;
}

/** In slots, at first and at last: how soft the maxima are, and how far a price goes in a round. */
const softness = [2, 0.06] as const;
const stride = [0.4, 0.02] as const;
/** What is new in the means of Adam (Kingma and Ba, 2015). */
const [meanShare, squareShare] = [0.1, 0.01];

/**
 * A lower bound, in slots, of the mean wait over all schedules in which a ComfyUI loads a model as
 * part of a picture that was asked for (it has no other way), whoever makes them and whatever they
 * know beforehand.
 *
 * It is a Lagrangian relaxation: instead of having to be made once, each picture pays a price, less
 * its wait, whenever it is made. Then in any schedule and for any prices
 *
 *     sum of waits = sum of prices - sum over backends of what each earns
 *                 >= sum of prices - sum over backends of the most that one of its speed can earn,
 *
 * which is a longest path over slots and the model that is loaded: a picture of that model takes its
 * length, one of another also its load, and none begins before it is asked for. No price is above what
 * is left until `horizon`, so nothing is earned by beginning later. The rounds look for good prices
 * by ascent on softened maxima (sums of exponentials); the values compared are of the exact ones.
 */
export function boundWithLoads(jobs: readonly Job[], horizon: number, rounds: number): number {
  const relaxed = relaxedOf(jobs, horizon);
  const kinds = relaxed.families.flatMap((family) => family.kinds);
  let best = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const soft = between(softness, round / rounds);
    for (const kind of kinds) {
      offer(kind, soft, horizon);
      kind.starts.fill(0);
    }
    for (const speed of counts.keys()) {
      earn(relaxed, speed, soft);
      spread(relaxed, speed, soft);
    }
    for (const kind of kinds) ascend(kind, soft, between(stride, round / rounds), round, horizon);
    if (round % 100 === 0 || round === rounds) best = Math.max(best, exactly(relaxed, kinds));
  }
  return best / jobs.length;
}

function relaxedOf(jobs: readonly Job[], horizon: number): Relaxed {
  const longest = Math.max(...jobs.map(({ model, slots }) => model.load + (slots[0] ?? 0)));
  const line = () => new Float64Array(horizon + longest + 1);
  const families = new Map<string, Family>();
  const kinds = new Map<string, Kind>();
  for (const { model, slots, release } of jobs) {
    const family = families.get(model.name) ?? {
      ...{ load: model.load, kinds: [], worth: line(), there: line() },
    };
    families.set(model.name, family);
    const name = `${model.name} ${slots.join()}`;
    const kind = kinds.get(name) ?? {
      ...{ slots, sizes: line(), prices: line().fill(slots[0] ?? 0) },
      ...{ mean: line(), square: line(), offers: line(), starts: line() },
    };
    if (!kinds.has(name)) family.kinds.push(kind);
    kinds.set(name, kind);
    kind.sizes[release] = at(kind.sizes, release) + 1;
  }
  return { families: [...families.values()], horizon, fresh: line(), cold: line() };
}

function exactly(relaxed: Relaxed, kinds: readonly Kind[]): number {
  let value = 0;
  for (const kind of kinds) {
    offer(kind, 0, relaxed.horizon);
    value += kind.sizes.reduce((sum, size, t) => sum + size * at(kind.prices, t), 0);
  }
  for (const [speed, count] of counts.entries()) value -= count * earn(relaxed, speed, 0);
  return value;
}

function offer({ sizes, prices, offers }: Kind, soft: number, horizon: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < horizon; t += 1) {
    if (at(sizes, t) > 0) most = either(most, at(prices, t) + t, soft);
    offers[t] = most;
  }
}

/** The most that a backend of a speed can earn; fills `worth`, `fresh` and `cold`. */
function earn({ families, horizon, fresh, cold }: Relaxed, speed: number, soft: number): number {
  for (let t = horizon - 1; t >= 0; t -= 1) {
    let loading = Number.NEGATIVE_INFINITY;
    for (const family of families) {
      for (const kind of family.kinds) {
        loading = either(loading, earned(family, kind, t, speed, family.load), soft);
      }
    }
    for (const family of families) {
      let most = either(at(family.worth, t + 1), loading, soft);
      for (const kind of family.kinds) most = either(most, earned(family, kind, t, speed, 0), soft);
      family.worth[t] = most;
    }
    fresh[t] = loading;
    cold[t] = either(at(cold, t + 1), loading, soft);
  }
  return at(cold, 0);
}

/** By beginning one of a kind then, after loading for so long, and by all that comes after it. */
function earned({ worth }: Family, kind: Kind, t: number, speed: number, load: number): number {
  const end = t + load + (kind.slots[speed] ?? 0);
  return at(kind.offers, t) - end + at(worth, end);
}

/** Sends the backends of a speed along all paths, more of them along those that earn more. */
function spread({ families, horizon, fresh, cold }: Relaxed, speed: number, soft: number): void {
  const share = (part: number, whole: number) => Math.exp((part - whole) / soft);
  for (const { there } of families) there.fill(0);
  let waiting = counts[speed] ?? 0;
  const begin = (family: Family, kind: Kind, t: number, load: number, many: number) => {
    const end = t + load + (kind.slots[speed] ?? 0);
    kind.starts[t] = at(kind.starts, t) + many;
    family.there[end] = at(family.there, end) + many;
  };
  for (let t = 0; t < horizon; t += 1) {
    let loading = waiting * share(at(fresh, t), at(cold, t));
    waiting -= loading;
    for (const family of families) {
      const { worth, there } = family;
      const [many, whole] = [at(there, t), at(worth, t)];
      if (many === 0) continue;
      there[t + 1] = at(there, t + 1) + many * share(at(worth, t + 1), whole);
      loading += many * share(at(fresh, t), whole);
      for (const kind of family.kinds) {
        begin(family, kind, t, 0, many * share(earned(family, kind, t, speed, 0), whole));
      }
    }
    if (loading === 0) continue;
    for (const family of families) {
      for (const kind of family.kinds) {
        const part = share(earned(family, kind, t, speed, family.load), at(fresh, t));
        begin(family, kind, t, family.load, loading * part);
      }
    }
  }
}

/** A step of Adam: what is made too seldom pays more. */
function ascend(kind: Kind, soft: number, step: number, round: number, horizon: number): void {
  const { sizes, prices, mean, square, offers, starts } = kind;
  // Of what is begun from a slot on, as much as the offers until that slot had a part in.
  let made = 0;
  for (let t = horizon - 1; t >= 0; t -= 1) {
    if (at(offers, t) === Number.NEGATIVE_INFINITY) return;
    const next = t + 1 < horizon ? at(offers, t + 1) : Number.POSITIVE_INFINITY;
    made = at(starts, t) + made * Math.exp((at(offers, t) - next) / soft);
    const size = at(sizes, t);
    if (size === 0) continue;
    const own = made * Math.exp((at(prices, t) + t - at(offers, t)) / soft);
    const lack = (size - own) / size;
    mean[t] = at(mean, t) + meanShare * (lack - at(mean, t));
    square[t] = at(square, t) + squareShare * (lack * lack - at(square, t));
    const drift = at(mean, t) / (1 - (1 - meanShare) ** round);
    const size2 = at(square, t) / (1 - (1 - squareShare) ** round);
    const price = at(prices, t) + (step * drift) / (Math.sqrt(size2) + 1e-6);
    prices[t] = Math.min(horizon - t, price);
  }
}

/** The larger; softened it is the logarithm of a sum of exponentials. */
function either(a: number, b: number, soft: number): number {
  const high = a > b ? a : b;
  const apart = high - (a > b ? b : a);
  // Beyond that nothing is added that a double could hold; nor to none.
  return apart < 36 * soft ? high + soft * Math.log1p(Math.exp(-apart / soft)) : high;
}

/** From the first to the last by equal factors. */
function between([first, last]: readonly [number, number], part: number): number {
  return first * (last / first) ** part;
}

function at(line: Float64Array, i: number): number {
  return line[i] ?? 0;
}
