// A value that many parts of a page show.
import { useEffect, useState } from "./html.js";

/** `get`, `set`, and `subscribe`, which answers with the way to end it. */
export function createStore(first) {
  let value = first;
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value in a component, which is drawn again when what `select` takes of it has changed. */
export function useStore(store, select = (value) => value) {
  const [shown, show] = useState(() => select(store.get()));
  useEffect(() => {
    const look = () => show(() => select(store.get()));
    look();
    return store.subscribe(look);
  }, [store]);
  return shown;
}
