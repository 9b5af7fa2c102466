// What the forecast of a series would be if a feature were another one in some of the steps.
import { post } from "../../lib/api.js";
import { html, useState } from "../../lib/html.js";
import { number } from "../../lib/format.js";
import { Chart } from "../../ui/chart.js";
import { Button, NumberField, SelectField } from "../../ui/controls.js";
import { ErrorNote, Note } from "../../ui/feedback.js";
import { secondsOf } from "./lines.js";

const WAYS = [
  { value: "percent", label: "more or less, in percent" },
  { value: "add", label: "more or less" },
  { value: "set", label: "exactly" },
];

/** `features` are the names of those that the forecast has, `steps` how many it has. */
export function WhatIf({ address, chosen, features, steps }) {
  const [asked, setAsked] = useState({ feature: features[0], way: "percent", value: "-10", from: "1", to: String(steps) });
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const set = (changes) => setAsked({ ...asked, ...changes });
  const faults = faultsOf(asked, steps);
  async function ask() {
    setError(null);
    try {
      const found = await post(`${address}what-if/`, { ts_id: chosen, changes: [changeOf(asked)] });
      setAnswer(found.series[0]);
    } catch (failed) {
      setError(failed);
    }
  }
  return html`
    <h3 class="section-head">What if</h3>
    <div class="fields">
      <${SelectField} label="Feature" value=${asked.feature} options=${features} onChange=${(feature) => set({ feature })} />
      <${SelectField} label="Were" value=${asked.way} options=${WAYS} onChange=${(way) => set({ way })} />
      <${NumberField} label=${asked.way === "percent" ? "Percent" : "Value"} value=${asked.value} onChange=${(value) => set({ value })} error=${faults.value} />
      <${NumberField} label="From step" value=${asked.from} onChange=${(from) => set({ from })} error=${faults.from} />
      <${NumberField} label="To step" value=${asked.to} onChange=${(to) => set({ to })} error=${faults.to} />
    </div>
    <div class="row end"><${Button} disabled=${Object.keys(faults).length > 0} onClick=${ask}>Forecast both<//></div>
    <${ErrorNote} error=${error} />
    ${answer && html`
      <p role="status">All steps together: <strong class="figure">${number(answer.base.sum)}</strong> as it is, <strong class="figure">${number(answer.changed.sum)}</strong> then: ${difference(answer)}.</p>
      ${answer.note && html`<${Note}>${answer.note}<//>`}
      <${Chart} label="Forecast as it is, and what if" ...${linesOf(answer)} time height=${220} />
    `}
  `;
}

function linesOf(answer) {
  const points = answer.timestamps.length < 2;
  return {
    x: answer.timestamps.map(secondsOf),
    series: [
      { label: "as it is", values: answer.base.predictions, colour: 0, points },
      { label: "what if", values: answer.changed.predictions, colour: 1, points },
    ],
  };
}

function difference({ base, difference_sum: more }) {
  const share = base.sum ? ` (${more > 0 ? "+" : ""}${((100 * more) / Math.abs(base.sum)).toFixed(1)} %)` : "";
  return `${more > 0 ? "+" : ""}${number(more)}${share}`;
}

function changeOf({ feature, way, value, from, to }) {
  const amount = Number(value);
  const kind = way === "percent" ? { multiply: 1 + amount / 100 } : { [way]: amount };
  return { feature, ...kind, from: Number(from), to: Number(to) };
}

function faultsOf({ value, from, to }, steps) {
  const faults = {};
  if (value.trim() === "" || !Number.isFinite(Number(value))) faults.value = "This is a number.";
  const whole = (text) => /^[1-9][0-9]*$/.test(text.trim()) && Number(text) <= steps;
  if (!whole(from)) faults.from = `A step from 1 to ${steps}.`;
  if (!whole(to)) faults.to = `A step from 1 to ${steps}.`;
  else if (!faults.from && Number(from) > Number(to)) faults.to = "Not before the first one.";
  return faults;
}
