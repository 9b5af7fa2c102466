// Dialogs: the browser's own element, so focus and Escape work as people know them.
import { html, render, useLayoutEffect, useRef } from "../lib/html.js";
import { useId } from "./controls.js";

/** A dialog that is open while it is drawn. */
export function Dialog({ title, children, onClose, wide = false }) {
  const element = useRef(null);
  const id = useId("dialog");
  useLayoutEffect(() => {  // before anything else can be clicked
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${(event) => {
    event.preventDefault();
    onClose();
  }}>
    <header><h2 id=${id}>${title}</h2><button type="button" class="icon" aria-label="Close" onClick=${onClose}>×</button></header>
    ${children}
  </dialog>`;
}

/** Ask before something that cannot be undone: true where the person agrees. */
export function confirm({ title, text, action, danger = true }) {
  return new Promise((resolve) => {
    const place = document.createElement("div");
    document.body.append(place);
    const close = (answer) => {
      render(null, place);
      place.remove();
      resolve(answer);
    };
    render(
      html`<${Dialog} title=${title} onClose=${() => close(false)}>
        <p>${text}</p>
        <footer>
          <button type="button" autofocus onClick=${() => close(false)}>Keep</button>
          <button type="button" class=${danger ? "danger" : "primary"} onClick=${() => close(true)}>${action}</button>
        </footer>
      <//>`,
      place,
    );
  });
}
