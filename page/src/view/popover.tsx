import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export function usePopover() {
  const [open, setOpen] = useState(false);
  return { open, toggle: () => setOpen(!open), close: () => setOpen(false) };
}

interface Props {
  label: string;
  /** What opened it; it gets the focus back. */
  anchor: RefObject<HTMLElement | null>;
  close: () => void;
  below?: boolean;
  children: ComponentChildren;
}

/** A small panel by what opened it; a sheet at the foot of a phone. */
export function Popover({ label, anchor, close, below, children }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<Record<string, string>>({});
  useLayoutEffect(() => {
    const box = anchor.current?.getBoundingClientRect();
    const width = panel.current?.offsetWidth ?? 0;
    // On a phone it is a sheet at the foot of the screen.
    if (!box || innerWidth < 600) return;
    const left = Math.max(
      12,
      Math.min(box.left, document.documentElement.clientWidth - width - 12),
    );
    setPlace(
      below
        ? { left: `${left}px`, top: `${box.bottom + 6}px` }
        : { left: `${left}px`, bottom: `${innerHeight - box.top + 8}px` },
    );
  }, []);
  // Before it is painted: who sees it may press a key at once.
  useLayoutEffect(() => {
    const first = panel.current?.querySelector<HTMLElement>(
      '[aria-pressed="true"], input, button, a',
    );
    first?.focus({ preventScroll: true });
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
      anchor.current?.focus();
    };
    const onPress = (event: PointerEvent) => {
      const target = event.target as Node;
      if (panel.current?.contains(target) || anchor.current?.contains(target)) return;
      close();
    };
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("pointerdown", onPress, true);
    return () => {
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("pointerdown", onPress, true);
    };
  }, []);
  return (
    <div class="popover" role="dialog" aria-label={label} ref={panel} style={place}>
      {children}
    </div>
  );
}
