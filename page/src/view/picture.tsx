import { useEffect, useState } from "preact/hooks";
import { usePage } from "./context.ts";

const widths = [160, 240, 320, 480, 640, 960, 1280, 1920];

/** The next size that is kept, so that a little more room asks for no other file. */
export function widthFor(cssPixels: number): number | undefined {
  const wanted = cssPixels * Math.min(globalThis.devicePixelRatio || 1, 3);
  return widths.find((width) => width >= wanted);
}

/** An address for a picture; at once without a key, else when its bytes are here. */
export function usePicture(id: string, width?: number): string | undefined {
  const { client } = usePage();
  const [url, setUrl] = useState<{ of: string; url: string }>();
  const name = `${id} ${width ?? ""}`;
  const asked = client.picture(id, width === undefined ? {} : { width });
  useEffect(() => {
    if (typeof asked === "string") return undefined;
    let wanted = true;
    asked.then(
      (ready) => {
        if (wanted) setUrl({ of: name, url: ready });
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [name]);
  if (typeof asked === "string") return asked;
  return url?.of === name ? url.url : undefined;
}

interface PictureProps {
  id: string;
  alt: string;
  /** CSS pixels it is shown at; the original when left out. */
  width?: number;
  /** Called when there is no such picture any more. */
  onMissing?: () => void;
}

/** Fades in when it has decoded. */
export function Picture({ id, alt, width, onMissing }: PictureProps) {
  const src = usePicture(id, width === undefined ? undefined : widthFor(width));
  const [loaded, setLoaded] = useState<string>();
  const shown = src !== undefined && loaded === src;
  return (
    <img
      class={shown ? "shown" : "coming"}
      src={src}
      alt={alt}
      decoding="async"
      draggable={false}
      onLoad={() => setLoaded(src)}
      onError={onMissing}
    />
  );
}
