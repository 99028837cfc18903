import { Icon } from "./icons.tsx";
import type { Camera } from "./use-mask-view.ts";

/** A press of a button or key magnifies by this. */
export const zoomStep = 1.5;

export function MaskZoom({ camera }: { camera: Camera }) {
  const percent = `${Math.round(camera.place.scale * 100)} %`;
  return (
    <fieldset class="zoom">
      <legend class="vh">Zoom</legend>
      <button
        type="button"
        class="tb"
        aria-label="Zoom out"
        title="Zoom out (−)"
        onClick={() => camera.zoomBy(1 / zoomStep)}
      >
        <Icon name="minus" />
      </button>
      <output class="quiet hide-s" aria-label="Zoom">
        {percent}
      </output>
      <button
        type="button"
        class="tb"
        aria-label="Zoom in"
        title="Zoom in (+)"
        onClick={() => camera.zoomBy(zoomStep)}
      >
        <Icon name="plus" />
      </button>
      <button
        type="button"
        class="tb"
        aria-pressed={camera.zoom === 1}
        title="The whole picture (0)"
        onClick={camera.fit}
      >
        Fit
      </button>
      <button
        type="button"
        class="tb hide-s"
        aria-pressed={percent === "100 %"}
        title="100 % (1)"
        onClick={camera.full}
      >
        100 %
      </button>
    </fieldset>
  );
}
