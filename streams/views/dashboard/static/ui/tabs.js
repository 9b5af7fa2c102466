// Parts of a page, each with an address of its own: links, so that they can be opened beside one another and sent on.
import { html } from "../lib/html.js";

/** `tabs`: `{ name, label, href }`; `current` is a name. `count` is shown behind the label where it is there. */
export function Tabs({ label, tabs, current }) {
  return html`<nav class="tabs" aria-label=${label}>
    ${tabs.map(
      (each) => html`<a key=${each.name} href=${each.href} aria-current=${each.name === current ? "page" : undefined}>
        ${each.label}${each.count !== undefined && html` <b class="figure">${each.count}</b>`}
      </a>`,
    )}
  </nav>`;
}
