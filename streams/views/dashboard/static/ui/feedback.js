// What the page says: toasts, errors, empty places, waiting, states.
import { html, useEffect } from "../lib/html.js";
import { createStore, useStore } from "../lib/store.js";

const toasts = createStore([]);
const spoken = createStore("");
let next = 0;

/** Say something that needs no answer; `kind` is "good", "bad" or "plain". It is read aloud too. */
export function toast(text, { kind = "plain", seconds = kind === "bad" ? 12 : 5 } = {}) {
  const id = (next += 1);
  toasts.set([...toasts.get().slice(-3), { id, text, kind }]);
  setTimeout(() => dismiss(id), seconds * 1000);
}

/** Read aloud only: how far something is, how many are found. */
export const announce = (text) => spoken.set(text);

/** Do it, and say what went wrong: the answer of `work`, or undefined. */
export async function attempt(work, { done } = {}) {
  try {
    const answer = await work();
    if (done) toast(done, { kind: "good" });
    return answer;
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, { kind: "bad" });
    return undefined;
  }
}

const dismiss = (id) => toasts.set(toasts.get().filter((each) => each.id !== id));

export function Toasts() {
  const shown = useStore(toasts);
  const text = useStore(spoken);
  return html`
    <div class="visually-hidden" role="status" aria-live="polite">${text}</div>
    <div class="toasts" role="log" aria-label="Messages" aria-live="polite" tabindex=${shown.length ? 0 : -1}>
      ${shown.map(
        (each) => html`<div class="toast ${each.kind}" key=${each.id}>
          <span>${each.text}</span>
          <button class="icon" type="button" aria-label="Dismiss" onClick=${() => dismiss(each.id)}>×</button>
        </div>`,
      )}
    </div>
  `;
}

/** What went wrong in the service's words, and a way on. */
export function ErrorNote({ error, retry, title }) {
  if (!error) return null;
  return html`<div class="note bad" role="alert">
    <div>
      ${title && html`<strong>${title} </strong>`}
      <span>${error.message}</span>
      ${error.code && html` <code class="quiet">${error.code}</code>`}
    </div>
    ${retry && html`<button type="button" class="small" onClick=${retry}>Try again</button>`}
  </div>`;
}

export function Note({ kind = "plain", children }) {
  return html`<div class="note ${kind}"><div>${children}</div></div>`;
}

/** Nothing here yet: what it is, and what to do next. */
export function Empty({ title, children, action }) {
  return html`<div class="empty">
    <h3>${title}</h3>
    <p>${children}</p>
    ${action}
  </div>`;
}

/** Grey lines where rows will be. */
export function Skeleton({ lines = 4 }) {
  return html`<div class="skeleton" aria-hidden="true">
    ${Array.from({ length: lines }, (_, at) => html`<span key=${at} class="w${(at * 7) % 4}"></span>`)}
  </div>`;
}

/** How far something is; without `of` it only moves. */
export function Progress({ value, of, label }) {
  const known = Number.isFinite(of) && of > 0;
  useEffect(() => {
    if (known && value >= of) announce(`${label}: done`);
  }, [known && value >= of]);
  return html`<div class="progress-line">
    <progress aria-label=${label} ...${known ? { value, max: of } : {}}></progress>
  </div>`;
}

/** A state in a word and a shape, never in colour alone. `kind`: good, bad, busy, warn, plain. */
export function Badge({ kind = "plain", children }) {
  return html`<span class="badge ${kind}"><i aria-hidden="true"></i>${children}</span>`;
}
