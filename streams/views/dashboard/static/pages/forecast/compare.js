// Models over all series: which is better on the whole, and where each is worst.
import { count, counted, number } from "../../lib/format.js";
import { html, useMemo, useState } from "../../lib/html.js";
import { SelectField } from "../../ui/controls.js";
import { Badge, Note } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { badness, median, SCORES } from "./scores.js";

/** `rows`: `{ tsId, name, result }`, the latest of each model and series. */
export function Compare({ rows, chosen, onChoose }) {
  const scores = useMemo(() => Object.keys(SCORES).filter((name) => rows.some((row) => row.result.metrics && name in row.result.metrics)), [rows]);
  const [wanted, setWanted] = useState("");
  const score = scores.includes(wanted) ? wanted : scores.find((name) => name === "mase") ?? scores[0];
  const models = useMemo(() => summed(rows, score), [rows, score]);
  const failed = rows.filter((row) => row.result.error).length;
  const summary = [
    { key: "name", label: "Model", value: (it) => it.name, cell: (it) => html`<strong>${it.name}</strong>` },
    { key: "median", label: `Median ${score}`, number: true, value: (it) => it.median, cell: (it) => number(it.median) },
    { key: "worst", label: `Worst ${score}`, number: true, low: true, value: (it) => it.worst, cell: (it) => number(it.worst) },
    { key: "wins", label: "Best for", number: true, value: (it) => it.wins, cell: (it) => counted(it.wins, "series", "series") },
    { key: "series", label: "Series", number: true, low: true, value: (it) => it.series, cell: (it) => count(it.series) },
    { key: "failed", label: "Failed", number: true, value: (it) => it.failed, cell: (it) => (it.failed ? html`<${Badge} kind="bad">${count(it.failed)}<//>` : "0") },
  ];
  const columns = [
    { key: "name", label: "Series", wide: true, value: (it) => it.name, cell: (it) => html`<button type="button" class="link cut" onClick=${() => onChoose(it.tsId)}>${it.name}</button>` },
    { key: "model", label: "Model", value: (it) => it.result.model_name },
    ...scores.map((name) => ({ key: name, label: name, number: true, low: name !== score, value: (it) => it.result.metrics?.[name] ?? null, cell: (it) => number(it.result.metrics?.[name]) })),
    { key: "worse", label: "How bad", sortable: false, value: (it) => badness(score, it.result.metrics?.[score]), cell: () => "" },
    { key: "said", label: "Said", wide: true, low: true, value: (it) => it.result.error ?? it.result.note ?? "", cell: (it) => (it.result.error ? html`<span title=${it.result.error}><${Badge} kind="bad">failed<//> ${it.result.error}</span>` : html`<span class="quiet" title=${it.result.note ?? ""}>${it.result.note ?? ""}</span>`) },
  ].filter((column) => column.key !== "worse");
  const sorted = useMemo(() => worstFirst(rows, score), [rows, score]);
  if (!rows.length) return null;
  return html`
    <div class="row end"><${SelectField} label="Score" hidden value=${score} options=${scores.map((name) => ({ value: name, label: `${name}, ${SCORES[name]}` }))} onChange=${setWanted} /></div>
    ${failed > 0 && html`<${Note} kind="bad">${counted(failed, "training")} failed: the reason is in the last column.<//>`}
    <${Table} label="Models" columns=${summary} rows=${models} rowKey=${(it) => it.name} sort="median" />
    <h3 class="section-head">Every series, the worst first</h3>
    <${Table} label="Scores of every series" columns=${columns} rows=${sorted} rowKey=${(it) => `${it.tsId} ${it.result.model_name}`} chosen=${undefined} height="480px"
      onOpen=${(it) => onChoose(it.tsId)} />
  `;
}

function worstFirst(rows, score) {
  const keyed = rows.map((row) => [row.result.error ? Infinity : badness(score, row.result.metrics?.[score]) ?? -Infinity, row]);
  keyed.sort(([a], [b]) => (b > a) - (b < a));
  return keyed.map(([, row]) => row);
}

/** Of each model: how it does, and for how many series it is the best. */
function summed(rows, score) {
  const models = new Map();
  const best = new Map();
  for (const { tsId, result } of rows) {
    const model = models.get(result.model_name) ?? { name: result.model_name, values: [], wins: 0, failed: 0, series: 0, worst: null };
    models.set(result.model_name, model);
    model.series += 1;
    if (result.error) model.failed += 1;
    const bad = badness(score, result.metrics?.[score]);
    if (bad === null) continue;
    model.values.push(result.metrics[score]);
    if (model.worst === null || bad > badness(score, model.worst)) model.worst = result.metrics[score];
    const leader = best.get(tsId);
    if (leader === undefined || bad < leader.bad) best.set(tsId, { bad, model });
  }
  for (const { model } of best.values()) model.wins += 1;
  return [...models.values()].map((model) => ({ ...model, median: median(model.values) }));
}
