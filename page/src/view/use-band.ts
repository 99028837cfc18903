import { useEffect, useState } from "preact/hooks";

const step = 200;

/** The part of an element that is within one screen of the window, in its own pixels. */
export function useBand(box: { current: HTMLElement | null }): [number, number] {
  const [band, setBand] = useState<[number, number]>([-1000, 3000]);
  useEffect(() => {
    let asked = 0;
    const read = () => {
      asked = 0;
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const from = Math.floor((-top - innerHeight) / step) * step;
      const to = Math.ceil((-top + 2 * innerHeight) / step) * step;
      setBand((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    };
    const ask = () => {
      asked ||= requestAnimationFrame(read);
    };
    read();
    addEventListener("scroll", ask, { passive: true });
    addEventListener("resize", ask);
    const observer = new ResizeObserver(ask);
    observer.observe(document.body);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", ask);
      removeEventListener("resize", ask);
      observer.disconnect();
    };
  }, []);
  return band;
}
