// A small line for a figure's last minutes: its shape only, the figure stands beside it.
import { html } from "../lib/html.js";

const WIDTH = 120;
const HEIGHT = 28;

/** `values`, null where there was none; drawn from zero. */
export function Spark({ values }) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"></svg>`;
  const most = Math.max(...known, 1e-9);
  const place = (value, at) => `${((at * WIDTH) / (values.length - 1)).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  const points = values.flatMap((value, at) => (value === null ? [] : [place(value, at)]));
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><polyline points=${points.join(" ")} /></svg>`;
}
