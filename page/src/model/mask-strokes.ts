export interface Point {
  x: number;
  y: number;
}

/** One step of a mask, in pixels of the picture; enough to draw it again. */
export type Stroke =
  | { kind: "brush" | "eraser"; size: number; points: Point[] }
  | { kind: "box"; from: Point; to: Point }
  | { kind: "invert" }
  | { kind: "clear" };

/** What was painted, in order; undo takes the newest step away, redo puts it back. */
export class MaskStrokes {
  #done: Stroke[] = [];
  #undone: Stroke[] = [];

  get strokes(): readonly Stroke[] {
    return this.#done;
  }

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  add(stroke: Stroke): void {
    this.#done.push(stroke);
    this.#undone = [];
  }

  undo(): void {
    const stroke = this.#done.pop();
    if (stroke) this.#undone.push(stroke);
  }

  redo(): void {
    const stroke = this.#undone.pop();
    if (stroke) this.#done.push(stroke);
  }
}

/** A box from numbers, held to the picture; undefined when nothing of it is inside. */
export function boxWithin(
  box: { left: number; top: number; width: number; height: number },
  picture: { width: number; height: number },
): Stroke | undefined {
  const from = { x: Math.max(0, box.left), y: Math.max(0, box.top) };
  const to = {
    x: Math.min(picture.width, box.left + box.width),
    y: Math.min(picture.height, box.top + box.height),
  };
  if (!(to.x > from.x && to.y > from.y)) return undefined;
  return { kind: "box", from, to };
}
