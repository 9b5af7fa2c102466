// Forecasts added up: the total, or one sum for each value of the columns that tell the series apart.
import { get } from "../../lib/api.js";
import { save } from "../../lib/files.js";
import { count, counted, number } from "../../lib/format.js";
import { html, useMemo, useRef, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { Chart } from "../../ui/chart.js";
import { Button, Check } from "../../ui/controls.js";
import { attempt, Badge, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { linesOf } from "./lines.js";

const LISTED = 100;
const HISTORY = 200; // steps of the past that the chart shows

/** `columns`: what the job is grouped by; `version` changes when there are other forecasts. */
export function Sums({ address, columns, version, name }) {
  const [by, setBy] = useState([]);
  const [partial, setPartial] = useState(false);
  const [wanted, setWanted] = useState("");
  const query = { by, partial: partial ? 1 : undefined };
  const { data, error, loading, refresh } = useAsked((signal) => get(`${address}sums/`, { signal, query: { ...query, history: HISTORY, limit: LISTED } }), [address, by.join("\n"), partial, version]);
  const sums = data?.sums ?? [];
  const shown = sums.find((each) => each.series_key === wanted) ?? sums.find((each) => !each.error) ?? sums[0];
  const lines = useMemo(() => shown && !shown.error && chartOf(shown), [shown]);
  const picture = useRef(null);
  const csv = () => attempt(async () => save(`sums-${name}.csv`, await get(`${address}sums/`, { query: { ...query, format: "csv", limit: 1000 } }), "text/csv"));
  const missing = sums.some((each) => each.error || each.left_out_count);
  return html`
    <div class="row">
      <fieldset class="checks grow"><legend>A sum for each</legend>
        ${columns.map((each) => html`<label key=${each}><input type="checkbox" checked=${by.includes(each)} onChange=${() => setBy(columns.filter((it) => (it === each) !== by.includes(it)))} />${each}</label>`)}
        ${!by.length && html`<span class="quiet">nothing chosen: the total</span>`}
      </fieldset>
      <${Button} kind="small" disabled=${!lines} onClick=${async () => save(`sums-${name}.png`, await picture.current())}>PNG<//>
      <${Button} kind="small" disabled=${!sums.length} onClick=${csv}>CSV<//>
    </div>
    ${(partial || missing) && html`<${Check} label="Leave out what cannot be added" checked=${partial} onChange=${setPartial} hint="A series without a forecast, or that ends too early; else its sum has none." />`}
    <${ErrorNote} error=${error} retry=${refresh} />
    ${data?.note && html`<${Note} kind="warn">${data.note}<//>`}
    ${!data ? !error && html`<${Skeleton} lines=${6} />` : html`<div aria-busy=${loading ? "true" : undefined}>
      ${shown && html`<h3 class="section-head">${nameOf(shown)} <span class="quiet">${counted(shown.series, "series", "series")}, by ${modelsOf(shown)}</span></h3>`}
      ${shown?.note && html`<p class="quiet">${shown.note}</p>`}
      ${shown?.error && html`<${Note} kind="bad">${shown.error}<//>`}
      ${lines && html`<${Chart} label="Sum of ${nameOf(shown)}" ...${lines} time onReady=${(png) => (picture.current = png)} />`}
      <${Table} label="Sums" columns=${columnsOf(setWanted)} rows=${sums} rowKey=${(it) => it.series_key} chosen=${shown?.series_key} height="360px" onOpen=${(it) => setWanted(it.series_key)} />
      ${data.sums_count > sums.length && html`<p class="hint">The first ${count(sums.length)} of ${count(data.sums_count)}; the file has the first thousand.</p>`}
    </div>`}
  `;
}

/** As a series is drawn: a sum has the same parts. */
function chartOf(sum) {
  const history = sum.history && { ...sum.history, target: "sum of what came" };
  return linesOf(history, [{ ...sum, model_name: "sum of the forecasts" }]);
}

const nameOf = (sum) => Object.values(sum.groups).join(" · ") || "The total";
const modelsOf = (sum) => Object.entries(sum.models).map(([model, number]) => (Object.keys(sum.models).length > 1 ? `${model} (${number})` : model)).join(", ") || "no model";
const total = (sum) => (sum.predictions ? sum.predictions.reduce((all, each) => all + each, 0) : null);

const columnsOf = (choose) => [
  { key: "name", label: "Sum", wide: true, value: nameOf, cell: (it) => html`<button type="button" class="link cut" onClick=${() => choose(it.series_key)}>${nameOf(it)}</button>` },
  { key: "series", label: "Series", number: true, value: (it) => it.series, cell: (it) => count(it.series) },
  { key: "first", label: "First step", number: true, low: true, value: (it) => it.predictions?.[0] ?? null, cell: (it) => number(it.predictions?.[0]) },
  { key: "total", label: "All steps", number: true, value: total, cell: (it) => number(total(it)) },
  { key: "mase", label: "mase_insample", number: true, low: true, value: (it) => it.mase_insample ?? null, cell: (it) => number(it.mase_insample) },
  { key: "said", label: "Said", low: true, value: (it) => it.error ?? "", cell: (it) => (it.error ? html`<span title=${it.error}><${Badge} kind="bad">no sum<//></span>` : it.left_out_count ? html`<span class="quiet">without ${count(it.left_out_count)}</span>` : "") },
];
