// Alerts: values outside their interval, forecasts that became worse than their backtest, values that do not come.
import { get } from "../../lib/api.js";
import { html } from "../../lib/html.js";
import { count, counted, time } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href } from "../../lib/router.js";
import { Badge, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";

const LISTED = 500;
const LOOK_MS = 5_000;
const KINDS = { outside_interval: "outside its interval", worse_than_backtest: "worse than its backtest", missing_data: "missing data" };

/** The newest of all jobs; `only`, such as `{ job_id: 7 }`, asks for those of one. `onChoose` opens a series of this job. */
export function Alerts({ only = {}, onChoose }) {
  const { data, error, refresh } = usePolled((signal) => get("/alerts", { query: { limit: LISTED, ...only }, signal }), [JSON.stringify(only)], { every: LOOK_MS });
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} />`}`;
  return html`
    <${ErrorNote} error=${error} retry=${refresh} />
    ${data.alerts.length
      ? html`<${Table} label="Alerts" rows=${data.alerts} rowKey=${(it) => it.alert_id} columns=${columnsOf(onChoose)} sort="-at" height="360px" />
          <p class="hint">${data.alerts.length < LISTED ? counted(data.alerts.length, "alert") : `The newest ${count(LISTED)}`}.</p>`
      : html`<p><${Badge} kind="good">None<//> <span class="quiet">What came was as it was forecast.</span></p>`}`;
}

const columnsOf = (onChoose) => [
  { key: "at", label: "Seen", value: (it) => it.at, cell: (it) => time(it.at) },
  { key: "kind", label: "What", value: (it) => it.kind, cell: (it) => html`<${Badge} kind=${it.kind === "outside_interval" ? "warn" : "bad"}>${KINDS[it.kind] ?? it.kind}<//>` },
  { key: "timestamp", label: "Of", low: true, value: (it) => it.timestamp },
  { key: "message", label: "In words", wide: true, value: (it) => it.message, cell: (it) => (onChoose
    ? html`<button type="button" class="link cut" title=${it.message} onClick=${() => onChoose(it.ts_id)}>${it.message}</button>`
    : html`<a class="cut" title=${it.message} href=${href("forecast", ["job", it.job_id], { series: it.ts_id, part: "alerts" })}>${it.message}</a>`) },
];
