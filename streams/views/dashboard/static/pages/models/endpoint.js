// One endpoint: what it was trained for, and a forecast of a series that is pasted.
import { get, path, post } from "../../lib/api.js";
import { html, useMemo, useState } from "../../lib/html.js";
import { time } from "../../lib/format.js";
import { save } from "../../lib/files.js";
import { useAsked } from "../../lib/live.js";
import { href } from "../../lib/router.js";
import { Chart } from "../../ui/chart.js";
import { AreaField, Button, NumberField, SelectField } from "../../ui/controls.js";
import { announce, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { csvOf, exampleOf, fanOf, instancesOf, QUANTILES } from "./fan.js";

export function Endpoint({ name }) {
  const { data, error, refresh } = useAsked((signal) => get(path`/endpoints/${name}`, { signal }), [name]);
  if (!data) {
    return html`<div class="page-head"><h1>${name}</h1></div><${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  }
  const facts = [
    ["Step", data.time_freq],
    ["Forecasts", `${data.prediction_length} steps`],
    ["Reads", `${data.context_length} steps`],
    ["Distribution", data.likelihood],
    ["Categories", data.cardinality ? data.cardinality.join(" × ") : "none: send no cat"],
    ["Features", data.num_dynamic_feat ? `${data.num_dynamic_feat} rows of dynamic_feat` : "none: send no dynamic_feat"],
    ["Trained", time(data.created)],
    ["By", html`<a href=${href("training", [data.job_id], data.project_id === "default" ? {} : { project: data.project_id })}>training job ${data.job_id}</a>`],
  ];
  return html`
    <div class="page-head"><h1>${name}</h1></div>
    <div class="stack">
      <section class="card" aria-label="About the endpoint"><dl class="facts">
        ${facts.map(([term, words]) => html`<div key=${term}><dt>${term}</dt><dd>${words}</dd></div>`)}
        <div><dt>Address</dt><dd><code>POST ${path`/endpoints/${name}/invocations`}</code></dd></div>
      </dl></section>
      <${Ask} endpoint=${data} />
    </div>
  `;
}

function Ask({ endpoint }) {
  const [text, setText] = useState(() => textOf(exampleOf(endpoint)));
  const [samples, setSamples] = useState("200");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [answer, setAnswer] = useState(null);
  const [shown, setShown] = useState(0);
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const instances = instancesOf(text);
      const configuration = { num_samples: Number(samples), output_types: ["mean", "quantiles"], quantiles: QUANTILES };
      const found = await post(path`/endpoints/${endpoint.name}/invocations`, { instances, configuration });
      setShown(0);
      setAnswer({ instances, predictions: found.predictions });
      announce(`${found.predictions.length} forecasts`);
    } catch (thrown) {
      setError(placed(thrown));
      setAnswer(null);
    } finally {
      setBusy(false);
    }
  }
  return html`<section class="card" aria-labelledby="ask-endpoint">
    <header><h2 id="ask-endpoint">Forecast a series</h2></header>
    <div class="ask">
      <form class="stack" onSubmit=${send}>
        <${AreaField} label="Series" value=${text} onChange=${setText} rows=${12} hint="An instance with start and target, an array of them, JSON Lines, or a whole request. Plain numbers are a series, too." />
        <div class="row"><div class="tiny"><${NumberField} label="Samples" value=${samples} onChange=${setSamples} /></div></div>
        <div class="row"><${Button} kind="primary" type="submit" busy=${busy}>Forecast<//></div>
        <${ErrorNote} error=${error} />
      </form>
      <div class="grow">${answer
        ? html`<${Fan} ...${{ endpoint, answer, shown, setShown }} />`
        : html`<p class="quiet">The forecast is drawn here: the median, and where 50, 80 and 90 of a hundred values are expected to be.</p>`}</div>
    </div>
  </section>`;
}

function Fan({ endpoint, answer, shown, setShown }) {
  const fan = useMemo(() => fanOf(endpoint, answer.instances[shown], answer.predictions[shown]), [answer, shown]);
  const options = answer.instances.map((each, at) => ({ value: at, label: `Series ${at + 1} of ${answer.instances.length}, from ${each.start}` }));
  return html`<div class="stack">
    <div class="row">
      ${options.length > 1 && html`<${SelectField} label="Series" hidden value=${shown} options=${options} onChange=${(at) => setShown(Number(at))} />`}
      <span class="grow"></span>
      <button type="button" class="small" onClick=${() => save(`${endpoint.name}.csv`, csvOf(endpoint, answer), "text/csv")}>Download CSV</button>
    </div>
    <${Chart} key=${shown} label="Forecast by ${endpoint.name}" x=${fan.x} series=${fan.series} bands=${fan.bands} time=${fan.time} xLabel=${fan.time ? "time" : "step"} mark=${fan.mark} height=${340} />
  </div>`;
}

/** JSON with a line for each field. */
const textOf = (instance) => `{\n${Object.entries(instance).map(([name, value]) => `  "${name}": ${JSON.stringify(value).replaceAll(",", ", ")}`).join(",\n")}\n}`;

/** Which of the series a refusal is about is not in its words: they count from 0 for programs, here from 1. */
function placed(error) {
  const at = error.body?.instance;
  if (Number.isInteger(at)) error.message = `Series ${at + 1}: ${error.message}`;
  return error;
}
