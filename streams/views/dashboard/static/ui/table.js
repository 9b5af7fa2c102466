// Tables of any length: only the rows in sight are drawn; sorting by keyboard and mouse.
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";

const OVER = 8; // rows drawn above and below what is in sight
const ROW = 37; // pixels; the style sheet says the same

/**
 * `columns`: `{ key, label, value(row), cell(row), number, sortable, wide, low }`; `value` is what is sorted by.
 * `sort`: "-key" or "key"; without `onSort` the table keeps it itself. Rows of no value come last, either way.
 */
export function Table({ label, columns, rows, rowKey, sort: given, onSort, onOpen, chosen, height, empty }) {
  const [own, setOwn] = useState(given ?? "");
  const sort = onSort ? given : own;
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  const { box, first, last } = useWindow(sorted.length);
  const by = (key) => (onSort ?? setOwn)(sort === key ? `-${key}` : key);
  if (!sorted.length && empty) return empty;
  const shown = sorted.slice(first, last);
  return html`<div class="table-box" ref=${box} style=${height ? { maxHeight: height } : undefined} tabindex="0" role="region" aria-label="${label}, scrolls">
    <table aria-label=${label} aria-rowcount=${sorted.length + 1}>
      <thead><tr aria-rowindex="1">${columns.map((column) => html`<${Head} key=${column.key} column=${column} sort=${sort} by=${by} />`)}</tr></thead>
      <tbody>
        ${first > 0 && html`<tr class="spacer" aria-hidden="true" key="above"><td colspan=${columns.length} style=${{ height: `${first * ROW}px` }}></td></tr>`}
        ${shown.map((row, at) => {
          const key = rowKey(row);
          return html`<tr key=${key} aria-rowindex=${first + at + 2} class="${onOpen ? "opens" : ""} ${key === chosen ? "chosen" : ""}"
            aria-current=${key === chosen ? "true" : undefined} onClick=${onOpen ? (event) => opened(event, row, onOpen) : undefined}>
            ${columns.map((column) => html`<td key=${column.key} class=${classes(column)}>${column.cell ? column.cell(row) : column.value(row)}</td>`)}
          </tr>`;
        })}
        ${last < sorted.length && html`<tr class="spacer" aria-hidden="true" key="below"><td colspan=${columns.length} style=${{ height: `${(sorted.length - last) * ROW}px` }}></td></tr>`}
      </tbody>
    </table>
  </div>`;
}

function Head({ column, sort, by }) {
  if (column.sortable === false) return html`<th scope="col" class=${classes(column)}>${column.label}</th>`;
  const up = sort === column.key;
  const down = sort === `-${column.key}`;
  return html`<th scope="col" class=${classes(column)} aria-sort=${up ? "ascending" : down ? "descending" : undefined}>
    <button type="button" class="sorts" onClick=${() => by(column.key)}>${column.label}<i aria-hidden="true">${up ? "↑" : down ? "↓" : ""}</i></button>
  </th>`;
}

const classes = (column) => [column.number && "number", column.wide && "wide", column.low && "low"].filter(Boolean).join(" ");

function opened(event, row, onOpen) {
  // A row is more to hit than the link in it; the link is what the keyboard reaches.
  if (!event.target.closest("a, button, input, label") && !String(getSelection())) onOpen(row);
}

/** The rows by a column; equal ones stay in their order. */
export function sortRows(rows, columns, sort) {
  const key = (sort ?? "").replace(/^-/, "");
  const column = columns.find((each) => each.key === key);
  if (!column?.value) return rows;
  const way = sort.startsWith("-") ? -1 : 1;
  const keyed = rows.map((row) => [column.value(row), row]);
  keyed.sort(([a], [b]) => {
    const [no, noB] = [isNone(a), isNone(b)];
    if (no || noB) return no - noB;
    if (typeof a === "number" && typeof b === "number") return (a - b) * way;
    return COLLATOR.compare(a, b) * way;
  });
  return keyed.map(([, row]) => row);
}

const COLLATOR = new Intl.Collator("en", { numeric: true });
const isNone = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);

/** Which rows are in sight of a box that scrolls. */
export function useWindow(length, row = ROW) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let waits = 0;
    const look = () => {
      waits = 0;
      const top = Math.floor(element.scrollTop / row / OVER) * OVER;
      setView((before) => (before.top === top && before.height === element.clientHeight ? before : { top, height: element.clientHeight }));
    };
    const later = () => (waits ||= requestAnimationFrame(look));
    look();
    element.addEventListener("scroll", later, { passive: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(element);
    return () => {
      cancelAnimationFrame(waits);
      element.removeEventListener("scroll", later);
      sizes.disconnect();
    };
  }, [length === 0]);
  const first = Math.max(0, Math.min(view.top - OVER, length - 1));
  const last = Math.min(length, view.top + Math.ceil(view.height / row) + 2 * OVER);
  return { box, first, last };
}
