import { useEffect, useRef, useState } from "preact/hooks";
import { boxWithin, MaskStrokes } from "../model/mask-strokes.ts";
import { addressOf } from "../model/route.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { MaskNumbers } from "./mask-numbers.tsx";
import { MaskPainter } from "./mask-painter.ts";
import { MaskSurface } from "./mask-surface.tsx";
import { type MaskTool, MaskTools } from "./mask-tools.tsx";
import { MaskZoom } from "./mask-zoom.tsx";
import { usePicture } from "./picture.tsx";
import { useMaskView } from "./use-mask-view.ts";

/** A picture, a brush, and what should be there instead on the ledge. */
export function MaskEditor({ id }: { id: string }) {
  const page = usePage();
  const src = usePicture(id);
  const [size, setSize] = useState<{ width: number; height: number }>();
  useEffect(() => {
    if (!page.gallery.lookup(id)) void page.gallery.find(id).catch(() => undefined);
  }, [id]);
  const known = page.gallery.lookup(id);
  const back = known ? addressOf({ at: "picture", id }) : "#/";
  return (
    <main class="look mask">
      <h1 class="vh">Paint over what should change</h1>
      {size ? (
        <Editing id={id} src={src} size={size} back={back} />
      ) : (
        <img
          class="measure"
          src={src}
          alt=""
          onLoad={(event) => {
            const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
            setSize({ width, height });
          }}
          onError={() => {
            page.say("This picture is not there any more.");
            page.go({ at: "wall" });
          }}
        />
      )}
    </main>
  );
}

interface EditingProps {
  id: string;
  src: string | undefined;
  size: { width: number; height: number };
  back: string;
}

function Editing({ id, src, size, back }: EditingProps) {
  const page = usePage();
  const strokes = useRef(new MaskStrokes());
  const painter = useRef<MaskPainter | undefined>(undefined);
  painter.current ??= new MaskPainter(size.width, size.height);
  const paint = painter.current;
  const [tool, setTool] = useState<MaskTool>("brush");
  const [brush, setBrush] = useState(Math.round(Math.min(size.width, size.height) / 10));
  const camera = useMaskView(size);
  const [numbers, setNumbers] = useState(false);
  const [version, setVersion] = useState(0);
  const changed = () => {
    setVersion((before) => before + 1);
    page.maskMaker.value = paint.isEmpty ? undefined : () => paint.toBlob();
  };
  const redraw = () => {
    paint.redraw(strokes.current.strokes);
    changed();
  };
  useEffect(() => {
    const { slot } = page.draft;
    const known = slot.value.at === "full" && slot.value.picture.id === id;
    if (!known && !page.gallery.lookup(id)) {
      slot.value = { at: "full", picture: { id, ...size, name: "the picture" } };
    }
    return () => {
      page.maskMaker.value = undefined;
    };
  }, []);
  const act = {
    undo: () => {
      strokes.current.undo();
      redraw();
    },
    redo: () => {
      strokes.current.redo();
      redraw();
    },
    invert: () => {
      strokes.current.add({ kind: "invert" });
      redraw();
    },
    clear: () => {
      strokes.current.add({ kind: "clear" });
      redraw();
    },
  };
  return (
    <section class="view" aria-label="Mask">
      <div class="bar2">
        <a class="tb" href={back}>
          <Icon name="x" />
          <span>
            Leave<span class="hide-s"> the mask</span>
          </span>
        </a>
        <span class="quiet hide-s">Paint over what should change</span>
        <span class="sp" />
        <MaskZoom camera={camera} />
        <button
          type="button"
          class="tb"
          aria-label="Box by numbers"
          aria-expanded={numbers}
          onClick={() => setNumbers(!numbers)}
        >
          <span class="hide-s">Box by numbers</span>
          <span class="only-s">Numbers</span>
        </button>
      </div>
      {numbers && (
        <MaskNumbers
          size={size}
          add={(box) => {
            const stroke = boxWithin(box, size);
            if (!stroke) return page.say("This box is outside of the picture.");
            strokes.current.add(stroke);
            redraw();
          }}
        />
      )}
      <div class="frame">
        <MaskSurface
          src={src}
          size={size}
          tool={tool}
          brush={brush}
          painter={paint}
          camera={camera}
          version={version}
          abandon={redraw}
          commit={(stroke) => {
            strokes.current.add(stroke);
            changed();
          }}
          pick={setTool}
          resize={setBrush}
          undo={act.undo}
          redo={act.redo}
        />
      </div>
      <MaskTools
        tool={tool}
        pick={setTool}
        brush={brush}
        largest={Math.round(Math.min(size.width, size.height) / 2)}
        resize={setBrush}
        canUndo={strokes.current.canUndo}
        canRedo={strokes.current.canRedo}
        act={act}
      />
    </section>
  );
}
