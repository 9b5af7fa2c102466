// What came of the forecasts: each value that came, compared with what had been forecast for its time.
import { count, counted, number } from "../../lib/format.js";
import { html, useMemo } from "../../lib/html.js";
import { useWatched } from "../../lib/live.js";
import { Chart } from "../../ui/chart.js";
import { Empty, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { seriesName } from "./guess.js";

const LISTED = 200;
const LEVEL = "80"; // percent; of the levels that forecasts have by default, the one that a person can check by eye

/** Live: `GET …/accuracy/` as it changes. `onChoose` gets the ts_id of a series that one wants to see. */
export function Judged({ address, chosen, onChoose }) {
  const path = `${address}accuracy/?limit=${LISTED}`;
  const { answers, error } = useWatched([path]);
  const data = answers[path];
  const steps = useMemo(() => stepsOf(data?.horizons ?? []), [data?.horizons]);
  if (!data) return html`<${ErrorNote} error=${error} />${!error && html`<${Skeleton} lines=${4} />`}`;
  if (!data.overall.judged) {
    return html`<${Empty} title="Nothing has come yet">${data.note ? `Nothing can be compared: ${data.note}.` : "As rows come to the data set, each value is compared with every forecast that there was for its time."}<//>`;
  }
  const share = data.overall.coverage[LEVEL];
  return html`
    <${ErrorNote} error=${error} />
    ${data.note && html`<${Note}>${data.note}<//>`}
    <p>${counted(data.overall.judged, "value")} compared${share ? `; ${Math.round(100 * share.inside)} % lay in their ${LEVEL} % interval` : ""}.</p>
    <${Table} label="Models, by what came" columns=${MODELS} rows=${data.models} rowKey=${(it) => it.model_name} sort="mase" />
    ${steps.x.length > 1 && html`<h3 class="section-head">By steps ahead</h3><${Chart} label="Mean absolute error by steps ahead" ...${steps} xLabel="steps ahead" height=${180} />`}
    <h3 class="section-head">Every series, the worst first</h3>
    <${Table} label="Series, by what came" columns=${seriesColumns(onChoose)} rows=${data.series} rowKey=${(it) => `${it.ts_id} ${it.model_name}`} height="420px"
      onOpen=${(it) => onChoose(it.ts_id)} />
    ${data.series_count > data.series.length && html`<p class="hint">The worst ${count(data.series.length)} of ${count(data.series_count)}.</p>`}
  `;
}

function stepsOf(horizons) {
  return { x: horizons.map((each) => each.step), series: [{ label: "mean absolute error", values: horizons.map((each) => each.mae), colour: 0, points: true }] };
}

const inside = (it) => it.coverage[LEVEL]?.inside ?? null;
const SUMS = [
  { key: "judged", label: "Values", number: true, value: (it) => it.judged, cell: (it) => count(it.judged) },
  { key: "mae", label: "mae", number: true, value: (it) => it.mae, cell: (it) => number(it.mae) },
  { key: "bias", label: "bias", number: true, low: true, value: (it) => it.bias, cell: (it) => number(it.bias) },
  { key: "mase", label: "mase", number: true, value: (it) => it.mase, cell: (it) => number(it.mase) },
  { key: "backtest", label: "in the backtest", number: true, low: true, value: (it) => it.backtest_mase, cell: (it) => number(it.backtest_mase) },
  { key: "inside", label: `in ${LEVEL} %`, number: true, low: true, value: inside, cell: (it) => (inside(it) === null ? "–" : `${Math.round(100 * inside(it))} %`) },
];
const MODELS = [
  { key: "name", label: "Model", value: (it) => it.model_name, cell: (it) => html`<strong>${it.model_name}</strong>` },
  ...SUMS,
  { key: "series", label: "Series", number: true, low: true, value: (it) => it.series, cell: (it) => count(it.series) },
];

const seriesColumns = (onChoose) => [
  { key: "name", label: "Series", wide: true, value: nameOf, cell: (it) => html`<button type="button" class="link cut" onClick=${() => onChoose(it.ts_id)}>${nameOf(it)}</button>` },
  { key: "model", label: "Model", value: (it) => it.model_name },
  ...SUMS,
  { key: "last", label: "The last", low: true, value: (it) => it.last.timestamp, cell: (it) => html`<span title=${it.last.timestamp}>${number(it.last.actual)} came, ${number(it.last.predicted)} forecast</span>` },
];

const nameOf = (it) => seriesName(it.groupby_val);
