import type { Point, Stroke } from "../model/mask-strokes.ts";
import type { Place } from "../model/mask-view.ts";

const red = "#e22626";

/** Draws strokes into a picture-sized layer, shows that layer, and makes the mask to send. */
export class MaskPainter {
  readonly #layer: HTMLCanvasElement;
  readonly #ink: CanvasRenderingContext2D;
  readonly #scratch: HTMLCanvasElement;
  readonly width: number;
  readonly height: number;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#layer = canvasOf(width, height);
    this.#scratch = canvasOf(1, 1);
    this.#ink = contextOf(this.#layer);
  }

  redraw(strokes: readonly Stroke[]): void {
    this.#ink.clearRect(0, 0, this.width, this.height);
    for (const stroke of strokes) this.draw(stroke);
  }

  draw(stroke: Stroke): void {
    const ink = this.#ink;
    ink.save();
    if (stroke.kind === "clear") ink.clearRect(0, 0, this.width, this.height);
    else if (stroke.kind === "invert") {
      ink.globalCompositeOperation = "source-out";
      ink.fillStyle = red;
      ink.fillRect(0, 0, this.width, this.height);
    } else if (stroke.kind === "box") {
      ink.fillStyle = red;
      const { from, to } = stroke;
      ink.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
    } else this.#line(stroke.kind === "eraser", stroke.size, stroke.points);
    ink.restore();
  }

  /** A piece of a line that is still being painted. */
  extend(eraser: boolean, size: number, points: Point[]): void {
    this.#ink.save();
    this.#line(eraser, size, points);
    this.#ink.restore();
  }

  get isEmpty(): boolean {
    const rows = 256;
    for (let top = 0; top < this.height; top += rows) {
      const height = Math.min(rows, this.height - top);
      const { data } = this.#ink.getImageData(0, top, this.width, height);
      if (new Uint32Array(data.buffer).some((pixel) => pixel !== 0)) return false;
    }
    return true;
  }

  /**
   * Red with a white edge and a hatch: seen on any colour and by any eye.
   * `place` is where the picture lies on the canvas, `ratio` the device's pixels for one of CSS.
   */
  show(canvas: HTMLCanvasElement, place: Omit<Place, "scale">, ratio: number): void {
    const { width, height } = canvas;
    const target = contextOf(canvas);
    const scratch = this.#scratch;
    if (scratch.width !== width || scratch.height !== height) {
      scratch.width = width;
      scratch.height = height;
    }
    const draft = contextOf(scratch);
    const layer = (on: CanvasRenderingContext2D, x = 0, y = 0) =>
      on.drawImage(this.#layer, place.left + x, place.top + y, place.width, place.height);
    const edge = 1.6 * ratio;
    target.clearRect(0, 0, width, height);
    target.save();
    target.beginPath();
    target.rect(place.left, place.top, place.width, place.height);
    target.clip();
    draft.globalCompositeOperation = "source-over";
    draft.clearRect(0, 0, width, height);
    for (let turn = 0; turn < 8; turn += 1) {
      const angle = (turn * Math.PI) / 4;
      layer(draft, Math.cos(angle) * edge, Math.sin(angle) * edge);
    }
    fillInside(draft, "#fff", width, height);
    draft.globalCompositeOperation = "destination-out";
    layer(draft);
    target.drawImage(scratch, 0, 0);
    target.globalAlpha = 0.58;
    layer(target);
    target.globalAlpha = 1;
    draft.globalCompositeOperation = "copy";
    layer(draft);
    fillInside(draft, hatch(target), width, height);
    target.drawImage(scratch, 0, 0);
    target.restore();
  }

  /** White where it is to be repainted, black elsewhere, at the picture's own size. */
  toBlob(): Promise<Blob> {
    const mask = canvasOf(this.width, this.height);
    const context = contextOf(mask);
    context.drawImage(this.#layer, 0, 0);
    fillInside(context, "#fff", this.width, this.height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.width, this.height);
    return new Promise((resolve, reject) => {
      mask.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("The browser could not make a file of the mask."));
      }, "image/png");
    });
  }

  #line(eraser: boolean, size: number, points: Point[]): void {
    const [first, ...rest] = points;
    if (!first) return;
    const ink = this.#ink;
    ink.globalCompositeOperation = eraser ? "destination-out" : "source-over";
    ink.strokeStyle = red;
    ink.lineCap = "round";
    ink.lineJoin = "round";
    ink.lineWidth = size;
    ink.beginPath();
    ink.moveTo(first.x, first.y);
    for (const { x, y } of rest.length > 0 ? rest : [{ x: first.x + 0.01, y: first.y }]) {
      ink.lineTo(x, y);
    }
    ink.stroke();
  }
}

function fillInside(
  context: CanvasRenderingContext2D,
  fill: string | CanvasPattern,
  width: number,
  height: number,
): void {
  context.globalCompositeOperation = "source-in";
  context.fillStyle = fill;
  context.fillRect(0, 0, width, height);
}

function hatch(context: CanvasRenderingContext2D): CanvasPattern | string {
  const tile = canvasOf(12, 12);
  const lines = contextOf(tile);
  lines.strokeStyle = "rgb(255 255 255 / .42)";
  lines.lineWidth = 1.6;
  lines.beginPath();
  for (const shift of [-12, 0, 12]) {
    lines.moveTo(shift, 12);
    lines.lineTo(shift + 12, 0);
  }
  lines.stroke();
  return context.createPattern(tile, "repeat") ?? "transparent";
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser gives no canvas to draw on.");
  return context;
}
