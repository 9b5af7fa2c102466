// A second model beside the one that answers: both judged by the same values, switched by a button and back by another.
import { del, get, post } from "../../lib/api.js";
import { count, counted, number, time } from "../../lib/format.js";
import { html, useState } from "../../lib/html.js";
import { useAsked, useWatched } from "../../lib/live.js";
import { Button, SelectField } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Badge, Empty, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { seriesName } from "./guess.js";

const LEVEL = "80"; // percent

/** Of a job that is forecast again and again; `onChoose` opens a series. */
export function Shadow({ job, address, onChoose }) {
  const [round, setRound] = useState(0); // what is stopped answers 404 from then on: asked for anew
  return html`<${Beside} key=${round} ...${{ job, address, onChoose }} again=${() => setRound(round + 1)} />`;
}

function Beside({ job, address, onChoose, again }) {
  const path = `${address}shadow/?limit=200`;
  const { answers, error } = useWatched([path]);
  const data = answers[path];
  if (error?.status === 404 && !data) return html`<${Start} ...${{ job, address, again }} />`;
  if (!data) return html`<${ErrorNote} error=${error} />${!error && html`<${Skeleton} lines=${4} />`}`;
  const other = data.answers === "first" ? "second" : "first";
  async function turn() {
    const text = `The latest forecasts of ${data[other].model_name} are published at once. ${data[data.answers].model_name} goes on in the shadow, and may be switched back to.`;
    if (!(await confirm({ title: `Let ${data[other].model_name} answer?`, text, action: "Switch", danger: false }))) return;
    await attempt(() => post(`${address}shadow/switch/?to=${other}`), { done: `${data[other].model_name} answers` });
  }
  async function stop() {
    if (!(await confirm({ title: "End the shadow?", text: `${data[data.answers].model_name} goes on alone.`, action: "End it" }))) return;
    await attempt(() => del(`${address}shadow/`), { done: "The shadow has ended" });
    again();
  }
  const sides = ["first", "second"].map((side) => ({ side, ...data[side] }));
  return html`
    <div class="row"><span class="grow">${verdict(data)} <span class="quiet">Since ${time(data.started)}, ${data.series_named}; switched ${counted(data.switches, "time")}.</span></span>
      <${Button} kind="small" onClick=${turn}>Let ${data[other].model_name} answer<//>
      <${Button} kind="small" onClick=${stop}>End<//>
    </div>
    ${data.note && html`<${Note}>${data.note}<//>`}
    <${Table} label="Both models" columns=${SIDES} rows=${sides} rowKey=${(it) => it.side} />
    ${data.series.length > 0 && html`<h3 class="section-head">Every series, where the second loses most first</h3>
      <${Table} label="Both models by series" columns=${seriesColumns(data, onChoose)} rows=${data.series} rowKey=${(it) => it.ts_id} height="360px" onOpen=${(it) => onChoose(it.ts_id)} />`}
  `;
}

function Start({ job, address, again }) {
  const catalogue = useAsked((signal) => get("/model/", { signal }), []);
  const [model, setModel] = useState("");
  const names = catalogue.data?.data ?? [];
  const standing = (job.refresh ?? []).map((each) => each.model_name);
  const chosen = model || names.find((name) => !standing.includes(name)) || "";
  const start = () => attempt(async () => {
    await post(`${address}shadow/`, { model_name: chosen });
    again();
  }, { done: `${chosen} forecasts in the shadow` });
  return html`<${Empty} title="No second model" action=${html`<div class="row"><${SelectField} label="Second model" hidden value=${chosen} options=${names} onChange=${setModel} /><${Button} kind="primary" disabled=${!chosen} onClick=${start}>Try it in the shadow<//></div>`}>
    A second model forecasts from the same rows and is judged by the same values; what is published stays the first one's until you switch.<//>
    <${ErrorNote} error=${catalogue.error} retry=${catalogue.refresh} />`;
}

function verdict({ judged, better, significant, p_value: chance, times, times_needed: needed, ...sides }) {
  if (!judged) return "Nothing has come yet by which both could be judged.";
  if (!better) return html`<strong>Both are as good</strong> by ${counted(judged, "value")}.`;
  const name = sides[better].model_name;
  if (chance === null) return html`<strong>${name} is better</strong> by ${counted(judged, "value")}; ${counted(times, "time")} of the ${count(needed)} that it takes to say whether by chance.`;
  return html`<strong>${name} is better</strong>${significant ? ", and not by chance" : ", which may be chance"} <span class="quiet">(p = ${number(chance)}, ${counted(times, "time")})</span>.`;
}

const inside = (it) => it.coverage[LEVEL]?.inside ?? null;
const SIDES = [
  { key: "model", label: "Model", value: (it) => it.model_name, cell: (it) => html`<strong>${it.model_name}</strong> ${it.answers ? html`<${Badge} kind="good">answers<//>` : html`<${Badge}>shadow<//>`}` },
  { key: "mae", label: "mae", number: true, value: (it) => it.mae, cell: (it) => number(it.mae) },
  { key: "bias", label: "bias", number: true, low: true, value: (it) => it.bias, cell: (it) => number(it.bias) },
  { key: "mase", label: "mase", number: true, value: (it) => it.mase, cell: (it) => number(it.mase) },
  { key: "inside", label: `in ${LEVEL} %`, number: true, low: true, value: inside, cell: (it) => (inside(it) === null ? "–" : `${Math.round(100 * inside(it))} %`) },
  { key: "forecasts", label: "Series", number: true, low: true, value: (it) => it.forecasts, cell: (it) => count(it.forecasts) },
  { key: "failed", label: "Failed", number: true, value: (it) => it.failed, cell: (it) => (it.failed ? html`<span title=${it.error ?? ""}><${Badge} kind="bad">${count(it.failed)}<//></span>` : "0") },
  { key: "seconds", label: "Seconds each", number: true, low: true, value: (it) => it.seconds, cell: (it) => number(it.seconds) },
];

const nameOf = (it) => seriesName(it.groupby_val);
const seriesColumns = (data, onChoose) => [
  { key: "name", label: "Series", wide: true, value: nameOf, cell: (it) => html`<button type="button" class="link cut" onClick=${() => onChoose(it.ts_id)}>${nameOf(it)}</button>` },
  { key: "judged", label: "Values", number: true, low: true, value: (it) => it.judged, cell: (it) => count(it.judged) },
  ...["first", "second"].map((side) => ({ key: side, label: `mase, ${data[side].model_name}`, number: true, value: (it) => it[side].mase, cell: (it) => number(it[side].mase) })),
  { key: "better", label: "Better", value: (it) => it.better ?? "", cell: (it) => (it.better ? html`${data[it.better].model_name}${it.significant ? "" : html` <span class="quiet">may be chance</span>`}` : "–") },
];
