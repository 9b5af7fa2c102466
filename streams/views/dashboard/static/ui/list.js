// A list of which one is chosen: 10,000 of them are no more work than twenty.
import { html, useEffect } from "../lib/html.js";
import { useId } from "./controls.js";
import { useWindow } from "./table.js";

const ROW = 36;

/** Arrow keys, Home, End and pages choose; `children(item)` draws one. */
export function VirtualList({ label, items, itemKey, chosen, onChoose, children }) {
  const { box, first, last } = useWindow(items.length, ROW);
  const id = useId("list");
  const at = items.findIndex((each) => itemKey(each) === chosen);
  useEffect(() => {
    const element = box.current;
    if (!element || at < 0) return;
    if (at * ROW < element.scrollTop) element.scrollTop = at * ROW;
    else if ((at + 1) * ROW > element.scrollTop + element.clientHeight) element.scrollTop = (at + 1) * ROW - element.clientHeight;
  }, [at, items.length]);
  function moved(event) {
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -items.length, End: items.length };
    const step = steps[event.key];
    if (step === undefined || !items.length) return;
    event.preventDefault();
    onChoose(items[Math.max(0, Math.min(items.length - 1, at + step))]);
  }
  return html`<div class="list" ref=${box} role="listbox" aria-label=${label} tabindex="0" onKeyDown=${moved}
    aria-activedescendant=${at >= first && at < last ? `${id}-${at}` : undefined}>
    <div role="presentation" class="list-space" style=${{ height: `${items.length * ROW}px` }}>
      ${items.slice(first, last).map((item, row) => {
        const number = first + row;
        return html`<div key=${itemKey(item)} id="${id}-${number}" role="option" class="option" aria-selected=${number === at ? "true" : "false"}
          aria-setsize=${items.length} aria-posinset=${number + 1} style=${{ transform: `translateY(${number * ROW}px)` }} onClick=${() => onChoose(item)}>
          ${children(item)}
        </div>`;
      })}
    </div>
  </div>`;
}
