import { useState } from "preact/hooks";
import type { PictureRecord } from "../records.ts";
import { usePicture } from "./picture.tsx";

interface Props {
  before: string;
  after: PictureRecord;
  title: string;
}

/** The result over its input, as far as the slider says. */
export function Compare({ before, after, title }: Props) {
  const [share, setShare] = useState(50);
  const old = usePicture(before);
  const fresh = usePicture(after.id);
  return (
    <div class="compare">
      <img class="big" src={old} alt="Before" width={after.width} height={after.height} />
      <img class="over" src={fresh} alt={title} style={{ clipPath: `inset(0 0 0 ${share}%)` }} />
      <i class="seam" style={{ left: `${share}%` }} />
      <input
        type="range"
        min="0"
        max="100"
        value={share}
        aria-label="How much of the input is shown"
        onInput={(event) => setShare(Number(event.currentTarget.value))}
      />
    </div>
  );
}
