// Models with their hyper-parameters, and the training that they are asked for.
import { get, patch, path } from "../../lib/api.js";
import { count, counted } from "../../lib/format.js";
import { html, useEffect, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { Button, Check, Choice, Field, NumberField, SelectField, TextField } from "../../ui/controls.js";
import { attempt, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { FIRST_SCORES, SCORES } from "./scores.js";
import { begin, elementOf, faultsOf, isWhole, refreshOf } from "./settings.js";

const FIRST_MODEL = "Auto";
const PART = 5000; // elements of a request: a long one holds up others
const known = new Map();

async function settingsOf(name) {
  if (!known.has(name)) known.set(name, (await get(path`/model/${name}/`)).data);
  return begin(name, known.get(name));
}

/** `series`: all of the job; `matching`: those that the list shows; `chosen`: the one that is looked at. */
export function Models({ jobId, series, matching, chosen, features, onTrained }) {
  const catalogue = useAsked((signal) => get("/model/", { signal }), []);
  const [models, setModels] = useState([]);
  const [horizon, setHorizon] = useState("14");
  const [scope, setScope] = useState("all");
  const [scores, setScores] = useState(FIRST_SCORES);
  const [used, setUsed] = useState([]);
  const [negative, setNegative] = useState(false);
  const [again, setAgain] = useState("");
  const [cron, setCron] = useState("0 6 * * *");
  const [error, setError] = useState(null);
  const [sent, setSent] = useState(null);

  useEffect(() => {
    if (!catalogue.data || models.length) return;
    const names = catalogue.data.data;
    attempt(async () => setModels([await settingsOf(names.includes(FIRST_MODEL) ? FIRST_MODEL : names[0])]));
  }, [catalogue.data]);

  const change = (at, changes) => setModels(models.map((each, place) => (place === at ? { ...each, ...changes } : each)));
  const replace = (at, name) => attempt(async () => {
    const settings = await settingsOf(name);
    setModels(at === models.length ? [...models, settings] : models.map((each, place) => (place === at ? settings : each)));
  });
  const wrong = !isWhole(horizon) || (again === "cron" && !cron.trim()) || !scores.length || models.some((each) => Object.keys(faultsOf(each)).length);
  const targets = scope === "all" ? series : scope === "matching" ? matching : series.filter((each) => each.ts_id === chosen);

  async function send(training) {
    setError(null);
    const elements = targets.flatMap((each) => models.map((model) => elementOf(each.ts_id, model, { features: used, training })));
    try {
      for (let from = 0; from < elements.length; from += PART) {
        setSent([from, elements.length]);
        await patch(path`/job/${jobId}/`, elements.slice(from, from + PART));
      }
      onTrained(Boolean(training), elements.length);
    } catch (failed) {
      setError(failed);
    } finally {
      setSent(null);
    }
  }
  const train = () => send({ horizon, scores, negative, refresh: refreshOf(again, cron) });

  if (catalogue.error) return html`<${ErrorNote} error=${catalogue.error} retry=${catalogue.refresh} />`;
  if (!models.length) return html`<section class="card"><${Skeleton} lines=${4} /></section>`;
  return html`<section class="card" aria-label="Models and training">
    <header><h2>Train</h2></header>
    <div class="fields">
      <${NumberField} label="Steps to forecast" value=${horizon} onChange=${setHorizon} error=${isWhole(horizon) ? "" : "A whole number, 1 or more."} hint="As many steps are held out at the end to score the models, five at least." />
      <${Field} label="Series">${(given) => html`<select ...${given} value=${scope} onChange=${(event) => setScope(event.target.value)}>
        <option value="all">all ${count(series.length)}</option>
        ${matching.length !== series.length && html`<option value="matching">the ${count(matching.length)} that match the search</option>`}
        ${chosen !== null && html`<option value="one">only the chosen one</option>`}
      </select>`}<//>
      <${SelectField} label="Forecast again" value=${again} options=${AGAIN} onChange=${setAgain} hint="Values that come are compared with what was forecast, either way." />
      ${again === "cron" && html`<${TextField} label="Times" value=${cron} onChange=${setCron} hint="Five fields of cron on your clock (${ZONE}), @daily, or an interval such as 15m." />`}
    </div>
    ${models.map((model, at) => html`<${Model} key=${at} ...${{ model, at, catalogue: catalogue.data.models }} only=${models.length === 1}
      onName=${(name) => replace(at, name)} onChange=${(changes) => change(at, changes)} onRemove=${() => setModels(models.filter((_, place) => place !== at))} />`)}
    <div class="row">
      <${Button} kind="small" onClick=${() => replace(models.length, another(catalogue.data.data, models))}>Add a model to compare<//>
    </div>
    <details class="more"><summary>Scores, features, values below zero</summary>
      <fieldset class="checks"><legend>Scores</legend>
        ${Object.entries(SCORES).map(([name, words]) => html`<label key=${name} title=${words}><input type="checkbox" checked=${scores.includes(name)} onChange=${() => setScores(toggled(scores, name))} />${name}</label>`)}
      </fieldset>
      ${features.length > 0 && html`<fieldset class="checks"><legend>Features (used by ARIMA, LightGBM and others that can)</legend>
        ${features.map(({ index, label }) => html`<label key=${index}><input type="checkbox" checked=${used.includes(index)} onChange=${() => setUsed(toggled(used, index))} />${label}</label>`)}
      </fieldset>`}
      <${Check} label="Allow forecasts below zero" checked=${negative} onChange=${setNegative} hint="For series that are never negative themselves; else such forecasts become zero." />
    </details>
    <${ErrorNote} error=${error} title="Nothing of this was taken." />
    <div class="row end">
      <span class="quiet" role="status">${sent ? `Sending ${count(sent[0])} of ${count(sent[1])}` : `${counted(targets.length * models.length, "training")}`}</span>
      <${Button} disabled=${wrong || !targets.length} onClick=${() => send(null)}>Save without training<//>
      <${Button} kind="primary" disabled=${wrong || !targets.length} onClick=${train}>Train<//>
    </div>
  </section>`;
}

const AGAIN = [{ value: "", label: "no" }, { value: "data", label: "as rows come to the data set" }, { value: "cron", label: "by a schedule" }, { value: "hand", label: "when I ask for it" }];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const toggled = (list, each) => (list.includes(each) ? list.filter((other) => other !== each) : [...list, each]);
const another = (names, models) => names.find((name) => !models.some((each) => each.name === name)) ?? names[0];

function Model({ model, at, catalogue, only, onName, onChange, onRemove }) {
  const faults = faultsOf(model);
  const intro = catalogue.find((each) => each.model_name === model.name)?.intro ?? "";
  const set = (label, changes) => onChange({ parameters: model.parameters.map((each) => (each.label === label ? { ...each, ...changes } : each)) });
  return html`<fieldset class="model">
    <legend class="visually-hidden">Model ${at + 1}</legend>
    <div class="model-head">
      <${SelectField} label="Model" value=${model.name} options=${catalogue.map((each) => each.model_name)} onChange=${onName} hint=${intro} />
      ${model.parameters.length > 0 && html`<${Choice} label="Hyper-parameters of ${model.name}" value=${model.tune ? "tune" : "fixed"} onChange=${(value) => onChange({ tune: value === "tune", parameters: model.parameters.map((each) => ({ ...each, search: value === "tune" && (each.type === "list" ? each.choice.length > 1 : each.low !== null) })) })}
        options=${[{ value: "fixed", label: "Fixed" }, { value: "tune", label: "Search the best" }]} />`}
      ${!only && html`<${Button} kind="small" aria-label="Remove ${model.name}" onClick=${onRemove}>Remove<//>`}
    </div>
    ${model.tune && html`<div class="fields">
      <${NumberField} label="Trials" value=${model.trials} onChange=${(trials) => onChange({ trials })} error=${faults.trials} hint="How many settings are tried for each series." />
      <${SelectField} label="Judged by" value=${model.objective} options=${Object.keys(SCORES)} onChange=${(objective) => onChange({ objective })} hint=${SCORES[model.objective]} />
    </div>`}
    <div class="fields">
      ${model.parameters.map((each) => html`<${Parameter} key=${each.label} ...${{ each, tune: model.tune, fault: faults[each.label] }} onChange=${(changes) => set(each.label, changes)} />`)}
    </div>
  </fieldset>`;
}

function Parameter({ each, tune, fault, onChange }) {
  const ranged = tune && each.search;
  const value = each.type === "list"
    ? ranged
      ? html`<fieldset class="checks"><legend>${each.label}</legend>${each.choice.map((option) => html`<label key=${option}><input type="checkbox" checked=${each.chosen.includes(option)} onChange=${() => onChange({ chosen: toggled(each.chosen, option) })} />${option}</label>`)}${fault && html`<p class="fault">${fault}</p>`}<p class="hint">${each.intro}</p></fieldset>`
      : html`<${SelectField} label=${each.label} value=${each.text} options=${each.choice} onChange=${(text) => onChange({ text })} hint=${each.intro} />`
    : ranged
      ? html`<${Field} label="${each.label}, from" error=${fault} hint=${each.intro}>${(given) => html`<div class="range">
          <input type="text" inputmode="decimal" ...${given} value=${each.lowText} onInput=${(event) => onChange({ lowText: event.target.value })} />
          <span aria-hidden="true">to</span>
          <input type="text" inputmode="decimal" aria-label="${each.label}, to" value=${each.highText} onInput=${(event) => onChange({ highText: event.target.value })} />
        </div>`}<//>`
      : html`<${NumberField} label=${each.label} value=${each.text} onChange=${(text) => onChange({ text })} error=${fault} hint=${each.intro} />`;
  return html`<div class="parameter">${value}${tune && html`<label class="small-check"><input type="checkbox" checked=${each.search} onChange=${() => onChange({ search: !each.search })} />search ${each.label}</label>`}</div>`;
}
