/**
 * A binary heap laid out as Python's `heapq` lays it out, because `/queue` shows the layout.
 * `before` may throw when two items cannot be ordered.
 */
export class Heap<T> {
  items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  push(item: T): void {
    this.items.push(item);
    this.#rise(0, this.items.length - 1);
  }

  pop(): T | undefined {
    const last = this.items.pop();
    const first = this.items[0];
    if (last === undefined || first === undefined) return last;
    this.items[0] = last;
    this.#sink(0);
    return first;
  }

  removeAt(index: number): void {
    this.items.splice(index, 1);
    for (let at = Math.trunc(this.items.length / 2) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  #rise(start: number, from: number): void {
    const item = this.items[from] as T;
    let at = from;
    while (at > start) {
      const parentAt = (at - 1) >> 1;
      const parent = this.items[parentAt] as T;
      if (!this.#before(item, parent)) break;
      this.items[at] = parent;
      at = parentAt;
    }
    this.items[at] = item;
  }

  /** The hole goes to a leaf along the smaller children, then the item rises from there. */
  #sink(start: number): void {
    const end = this.items.length;
    const item = this.items[start] as T;
    let at = start;
    let child = 2 * at + 1;
    while (child < end) {
      const right = child + 1;
      if (right < end && !this.#before(this.items[child] as T, this.items[right] as T))
        child = right;
      this.items[at] = this.items[child] as T;
      at = child;
      child = 2 * at + 1;
    }
    this.items[at] = item;
    this.#rise(start, at);
  }
}
