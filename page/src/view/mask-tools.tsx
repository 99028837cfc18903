import { Icon, type IconName } from "./icons.tsx";

export type MaskTool = "brush" | "eraser" | "box";

interface Props {
  tool: MaskTool;
  pick: (tool: MaskTool) => void;
  /** Width of the brush in pixels of the picture. */
  brush: number;
  largest: number;
  resize: (size: number) => void;
  canUndo: boolean;
  canRedo: boolean;
  act: { undo(): void; redo(): void; invert(): void; clear(): void };
}

const tools: [MaskTool, IconName, string][] = [
  ["brush", "brush", "Brush (P)"],
  ["eraser", "rub", "Eraser (E)"],
  ["box", "box", "Box (O)"],
];

export function MaskTools({ tool, pick, brush, largest, resize, canUndo, canRedo, act }: Props) {
  return (
    <div class="tools" role="toolbar" aria-label="Mask tools">
      {tools.map(([name, icon, words]) => (
        <button
          type="button"
          key={name}
          aria-pressed={tool === name}
          aria-label={words}
          title={words}
          onClick={() => pick(name)}
        >
          <Icon name={icon} />
        </button>
      ))}
      <i class="line" />
      <label class="size">
        <span>Size</span>
        <input
          type="range"
          min="4"
          max={largest}
          value={brush}
          aria-label="Brush size"
          aria-valuetext={`${brush} pixels`}
          onInput={(event) => resize(Number(event.currentTarget.value))}
        />
        <span>{brush} px</span>
      </label>
      <i class="line" />
      <button
        type="button"
        aria-label="Undo"
        title="Undo (Ctrl Z)"
        disabled={!canUndo}
        onClick={act.undo}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        aria-label="Redo"
        title="Redo (Shift Ctrl Z)"
        disabled={!canRedo}
        onClick={act.redo}
      >
        <Icon name="redo" />
      </button>
      <button
        type="button"
        aria-label="Invert the mask"
        title="Invert the mask"
        onClick={act.invert}
      >
        <Icon name="invert" />
      </button>
      <button type="button" aria-label="Clear the mask" title="Clear the mask" onClick={act.clear}>
        <Icon name="bin" />
      </button>
    </div>
  );
}
