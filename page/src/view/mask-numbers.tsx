import { useState } from "preact/hooks";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Props {
  size: { width: number; height: number };
  add: (box: Box) => void;
}

/** A mask without a pointer: a box by its numbers. */
export function MaskNumbers({ size, add }: Props) {
  const [box, setBox] = useState<Box>({
    left: Math.round(size.width / 4),
    top: Math.round(size.height / 4),
    width: Math.round(size.width / 2),
    height: Math.round(size.height / 2),
  });
  return (
    <fieldset class="numbers">
      <legend class="vh">
        Box by numbers, in pixels of {size.width} × {size.height}
      </legend>
      {(["left", "top", "width", "height"] as const).map((name) => (
        <label class="f" key={name}>
          {name[0]?.toUpperCase()}
          {name.slice(1)}
          <span class="in">
            <input
              type="number"
              min={0}
              max={name === "left" || name === "width" ? size.width : size.height}
              value={box[name]}
              onInput={(event) => setBox({ ...box, [name]: Number(event.currentTarget.value) })}
            />
          </span>
        </label>
      ))}
      <button type="button" class="btn ink" onClick={() => add(box)}>
        Add the box
      </button>
    </fieldset>
  );
}
