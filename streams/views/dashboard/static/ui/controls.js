// Controls with their labels, hints and faults joined for those who do not see them.
import { html, useEffect, useRef, useState } from "../lib/html.js";

let next = 0;

/** An id for a label's `for`, the same while the component lives. */
export function useId(prefix = "f") {
  const kept = useRef(null);
  if (kept.current === null) kept.current = `${prefix}${(next += 1)}`;
  return kept.current;
}

/** A label, a control made by `children(attributes)`, a hint and a fault. */
export function Field({ label, hint, error, optional, children, hidden = false }) {
  const id = useId();
  const said = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const attributes = { id, "aria-describedby": said || undefined, "aria-invalid": error ? "true" : undefined };
  return html`<div class="field ${error ? "wrong" : ""}">
    <label for=${id} class=${hidden ? "visually-hidden" : ""}>
      ${label}${optional && html` <span class="quiet">optional</span>`}
    </label>
    ${children(attributes)}
    ${error && html`<p class="fault" id="${id}-error">${error}</p>`}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  </div>`;
}

export function TextField({ label, hint, error, optional, hidden, value, onChange, ...rest }) {
  return html`<${Field} ...${{ label, hint, error, optional, hidden }}>
    ${(given) => html`<input type="text" ...${given} ...${rest} value=${value} onInput=${(event) => onChange(event.target.value)} />`}
  <//>`;
}

/** The text is kept as typed; what it means is checked by whoever sends it. */
export function NumberField({ label, hint, error, optional, hidden, value, onChange, ...rest }) {
  return html`<${Field} ...${{ label, hint, error, optional, hidden }}>
    ${(given) =>
      html`<input type="text" inputmode="decimal" autocomplete="off" class="figure" ...${given} ...${rest} value=${value}
        onInput=${(event) => onChange(event.target.value)} />`}
  <//>`;
}

/** `options`: texts, or `{ value, label, disabled }`. */
export function SelectField({ label, hint, error, optional, hidden, value, options, onChange, ...rest }) {
  return html`<${Field} ...${{ label, hint, error, optional, hidden }}>
    ${(given) => html`<select ...${given} ...${rest} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map((each) => {
        const option = typeof each === "object" ? each : { value: each, label: each };
        return html`<option key=${option.value} value=${option.value} disabled=${option.disabled} selected=${String(option.value) === String(value)}>${option.label}</option>`;
      })}
    </select>`}
  <//>`;
}

export function AreaField({ label, hint, error, optional, hidden, value, onChange, rows = 6, ...rest }) {
  return html`<${Field} ...${{ label, hint, error, optional, hidden }}>
    ${(given) =>
      html`<textarea rows=${rows} spellcheck=${false} ...${given} ...${rest} value=${value} onInput=${(event) => onChange(event.target.value)}></textarea>`}
  <//>`;
}

export function Check({ label, checked, onChange, hint, disabled, indeterminate = false }) {
  const id = useId();
  const box = useRef(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = indeterminate;
  }, [indeterminate]);
  return html`<div class="check">
    <input type="checkbox" ref=${box} id=${id} checked=${checked} disabled=${disabled} aria-describedby=${hint ? `${id}-hint` : undefined}
      onChange=${(event) => onChange(event.target.checked)} />
    <label for=${id}>${label}</label>
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  </div>`;
}

/** One of a few, side by side. */
export function Choice({ label, value, options, onChange }) {
  const name = useId("choice");
  return html`<fieldset class="choice">
    <legend class="visually-hidden">${label}</legend>
    ${options.map(
      (each) => html`<label key=${each.value} class=${each.value === value ? "on" : ""}>
        <input type="radio" name=${name} checked=${each.value === value} onChange=${() => onChange(each.value)} />
        <span>${each.label}${each.count !== undefined && html` <b class="figure">${each.count}</b>`}</span>
      </label>`,
    )}
  </fieldset>`;
}

/** A search that waits until one stops typing. */
export function Search({ label, value, onChange, placeholder = label, wait = 120 }) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  const typed = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next), wait);
  };
  return html`<input type="search" class="search" aria-label=${label} placeholder=${placeholder} value=${text} onInput=${(event) => typed(event.target.value)} />`;
}

/** A button that is busy while its work is. `kind`: primary, danger, quiet. */
export function Button({ kind = "", busy, children, onClick, disabled, ...rest }) {
  const [own, setOwn] = useState(false);
  const alive = useRef(true);
  useEffect(() => () => (alive.current = false), []);
  const waits = busy ?? own;
  async function clicked(event) {
    const work = onClick?.(event);
    if (!(work instanceof Promise)) return;
    setOwn(true);
    try {
      await work;
    } finally {
      if (alive.current) setOwn(false);
    }
  }
  return html`<button type="button" class=${kind} aria-busy=${waits ? "true" : undefined} disabled=${disabled || waits} onClick=${clicked} ...${rest}>${children}</button>`;
}
