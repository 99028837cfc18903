import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

interface Props {
  title: string;
  /** A few words beside it. */
  beside?: string;
  close: () => void;
  class?: string;
  children: ComponentChildren;
}

/** A `<dialog>`: focus goes to its heading, stays inside, and returns to what opened it. */
export function Modal({ title, beside, close, class: name = "", children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before it is painted: who sees it may press a key at once.
  useLayoutEffect(() => {
    const element = dialog.current;
    const before = document.activeElement as HTMLElement | null;
    element?.showModal();
    element?.querySelector<HTMLElement>("h2")?.focus();
    return () => {
      element?.close();
      before?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={name}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onPointerDown={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="sheet">
        <div class="qt">
          <h2 tabIndex={-1}>{title}</h2>
          {beside && <p>{beside}</p>}
          <button type="button" class="tb" aria-label="Close" onClick={close}>
            <Icon name="x" />
          </button>
        </div>
        <div class="body">{children}</div>
      </div>
    </dialog>
  );
}
