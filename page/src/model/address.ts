/** Where the page stands, as the part of an address after `#`. */
export interface Address {
  read(): string;
  write(hash: string): void;
  /** Calls back whenever it has changed; returns what ends that. */
  listen(changed: () => void): () => void;
}

/** The window's own: it can be bookmarked, and Back leads to where the page stood before. */
export function windowAddress(view: Window): Address {
  return {
    read: () => view.location.hash,
    write: (hash) => {
      view.location.hash = hash;
    },
    listen: (changed) => {
      view.addEventListener("hashchange", changed);
      return () => view.removeEventListener("hashchange", changed);
    },
  };
}

/** For a page inside another's frame, whose address is not its own. */
export function heldAddress(): Address {
  let held = "";
  const listeners = new Set<() => void>();
  return {
    read: () => held,
    write: (hash) => {
      if (hash === held) return;
      held = hash;
      for (const changed of listeners) changed();
    },
    listen: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  };
}
