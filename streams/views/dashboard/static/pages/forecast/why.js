// Why the forecast of a series is what it is: what is left without features, and what each of them adds to every step.
import { get } from "../../lib/api.js";
import { html, useMemo } from "../../lib/html.js";
import { number } from "../../lib/format.js";
import { useAsked } from "../../lib/live.js";
import { Chart } from "../../ui/chart.js";
import { ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { secondsOf } from "./lines.js";
import { WhatIf } from "./whatif.js";

const DRAWN = 7; // features: as many as there are colours beside the forecast's

/** Of the chosen series; `version` changes when there are other forecasts. */
export function Why({ address, chosen, version }) {
  const { data, error, loading, refresh } = useAsked((signal) => get(`${address}explanations/`, { signal, query: { ts_id: chosen } }), [address, chosen, version]);
  const series = data?.series[0]?.ts_id === chosen ? data.series[0] : null;
  const lines = useMemo(() => series && chartsOf(series), [series]);
  if (error) return html`<${ErrorNote} error=${error} retry=${error.status === 409 ? undefined : refresh} />`;
  if (!series) return html`<${Skeleton} lines=${6} />`;
  return html`
    <p>By ${series.answered_by}. A feature adds nothing at its usual value, its mean over the history; the rest is level, trend and season.</p>
    ${series.note && html`<${Note}>${series.note}<//>`}
    <div aria-busy=${loading ? "true" : undefined}>
      <${Chart} label="Forecast with and without its features" ...${lines.whole} time height=${220} />
      <h3 class="section-head">What each adds</h3>
      <${Chart} label="What each feature adds" ...${lines.parts} time height=${220} />
      <${Table} label="Features" columns=${COLUMNS} rows=${series.features} rowKey=${(it) => it.feature} height="360px" />
      <${WhatIf} key=${chosen} address=${address} chosen=${chosen} features=${series.features.map((each) => each.feature)} steps=${series.timestamps.length} />
    </div>
  `;
}

function chartsOf(series) {
  const x = series.timestamps.map(secondsOf);
  const points = x.length < 2;
  const whole = [
    { label: "forecast", values: series.predictions, colour: 0, points },
    { label: "rest", values: series.rest, colour: 7, dashed: true, points },
  ];
  const parts = series.features.slice(0, DRAWN).map((each, at) => ({ label: each.feature, values: each.added, colour: at + 1, points }));
  return { whole: { x, series: whole }, parts: { x, series: parts } };
}

const COLUMNS = [
  { key: "feature", label: "Feature", wide: true, value: (it) => it.feature, cell: (it) => html`<strong>${it.feature}</strong>` },
  { key: "effect", label: "Adds or takes", number: true, value: (it) => it.effect, cell: (it) => number(it.effect) },
  { key: "share", label: "Share", number: true, value: (it) => it.share, cell: (it) => (it.share === null ? "–" : `${Math.round(100 * it.share)} %`) },
  { key: "usual", label: "Usual value", number: true, low: true, value: (it) => it.usual, cell: (it) => number(it.usual) },
];
