// Jobs that score data sets, and their runs.
import { get } from "../../lib/api.js";
import { html, useState } from "../../lib/html.js";
import { ago, count, duration } from "../../lib/format.js";
import { useAsked, usePolled } from "../../lib/live.js";
import { href, navigate, setQuery } from "../../lib/router.js";
import { AreaField, Button, Choice, Field, SelectField, TextField } from "../../ui/controls.js";
import { Dialog } from "../../ui/dialog.js";
import { Badge, Empty, ErrorNote, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { addDataset, deployScoringJob, generateScript, listDatasets, listModels, listScoringJobs, runKind, whereServices } from "./calls.js";

export function Runs({ query }) {
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const [jobs, runs] = await Promise.all([listScoringJobs(signal), get("/api/v1/runs", { signal })]);
      return { jobs, runs: runs.data.runList };
    },
    [],
    { every: (found) => (found.runs.some((run) => run.status === "running") ? 1000 : 4000) },
  );
  const [makes, setMakes] = useState(query.add === "job"); // a service's page leads here (contract S-086)
  const close = () => {
    setMakes(false);
    setQuery({ add: null, model: null });
  };
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${5} />`}`;
  const open = html`<${Button} kind="primary" onClick=${() => setMakes(true)}>Score a data set<//>`;
  const last = new Map(data.runs.map((run) => [run.jobName, run])); // they come in order: the last one stays
  const rows = data.jobs.map((job) => ({ ...job, last: last.get(job.jobName) }));
  return html`<div class="stack">
    <${ErrorNote} error=${error} retry=${refresh} />
    ${rows.length > 0 && html`<div class="row end">${open}</div>`}
    <${Table} label="Jobs that score data sets" rows=${rows} rowKey=${(job) => job.jobName} columns=${COLUMNS} sort="-created" onOpen=${(job) => navigate("models", ["runs", job.jobName])}
      empty=${html`<${Empty} title="No data set was scored yet" action=${open}>A run asks a model for every row of a data set and writes the answers as a new one: at once, or by a schedule.<//>`} />
    ${makes && html`<${NewJob} asked=${query.model} onClose=${close} />`}
  </div>`;
}

const COLUMNS = [
  { key: "name", label: "Job", wide: true, value: (job) => job.jobName, cell: (job) => html`<a href=${href("models", ["runs", job.jobName])}>${job.jobName}</a>` },
  { key: "state", label: "Last run", value: (job) => job.last?.status ?? "", cell: (job) => (job.last ? html`<${Badge} kind=${runKind(job.last.status)}>${job.last.status}<//>` : html`<span class="quiet">none</span>`) },
  { key: "rows", label: "Rows", number: true, low: true, value: (job) => job.last?.rows ?? null, cell: (job) => count(job.last?.rows) },
  { key: "took", label: "Took", number: true, low: true, value: (job) => job.last?.duration ?? null, cell: (job) => (job.last ? duration(job.last.duration / 1000) : "–") },
  { key: "data", label: "Data sets", low: true, value: (job) => `${job.inputDataset} → ${job.outputDataset}` },
  { key: "schedule", label: "Schedule", low: true, value: (job) => job.schedule ?? "on demand" },
  { key: "created", label: "Created", low: true, value: (job) => job.createTime, cell: (job) => ago(job.createTime) },
];

/** What stays here until the job is sent (contract S-092); the service has the same defaults. */
const ADVANCED = { description: "", environment: "3.7", variables: "", args: "", run: "" };

/** `NAME=value`, one a line. */
function variablesIn(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const wrong = lines.find((line) => line.indexOf("=") < 1);
  if (wrong) throw new Error(`Variables: "${wrong}" has no name before a =.`);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

function NewJob({ asked = "", onClose }) {
  const known = useAsked(async (signal) => {
    const [models, datasets, where] = await Promise.all([listModels(signal), listDatasets(signal), whereServices(signal)]);
    return { models, datasets, versions: where.serverVersions };
  }, []);
  const [fields, setFields] = useState({ model: asked, input: "", output: "", name: "", dispatch: "demand", schedule: "", zone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...ADVANCED });
  const [file, setFile] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const change = (changes) => setFields({ ...fields, ...changes });
  const models = known.data?.models ?? [];
  const datasets = known.data?.datasets ?? [];
  const model = fields.model || models[0]?.name || "";
  const input = fields.input || datasets[0]?.name || "";
  const stem = (file?.name ?? input).replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_.-]+/g, "_");
  const output = fields.output || (stem ? `${stem}-scored.csv` : "");
  const name = fields.name || (stem && model ? `${stem}-by-${model}`.slice(0, 64) : "");
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { description: jobDescription, environment, args } = fields;
      const advanced = { jobDescription, environment, args, variables: variablesIn(fields.variables) };
      let inputDataset = input;
      if (file) {
        await addDataset(file);
        inputDataset = file.name.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(-64);
      }
      const script = await generateScript({ inputDataset, outputDataset: output, modelName: model });
      const timed = fields.dispatch === "schedule" ? { schedule: fields.schedule, timeZone: fields.zone } : { runName: fields.run || `${name}-1`.slice(0, 64) };
      await deployScoringJob({ jobName: name, fileName: script.fileName, ext: script.ext, dispatch: fields.dispatch, ...timed, ...advanced });
      toast(`${name} is deployed.`, { kind: "good" });
      navigate("models", ["runs", name]);
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  }
  return html`<${Dialog} title="Score a data set" onClose=${onClose}>
    <form onSubmit=${send}>
      <${SelectField} label="Model" value=${model} onChange=${(next) => change({ model: next })} options=${models.length ? models.map((it) => it.name) : [{ value: "", label: "There is none yet: upload one first" }]} />
      ${!file && html`<${SelectField} label="Data set" value=${input} onChange=${(next) => change({ input: next })} options=${datasets.length ? datasets.map((it) => it.name) : [{ value: "", label: "There is none yet: choose a file" }]} />`}
      <${Field} label="Or a new file" optional hint="CSV or JSON Lines.">${(given) => html`<input type="file" ...${given} accept=".csv,.jsonl,.json" onChange=${(event) => setFile(event.target.files[0] ?? null)} />`}<//>
      <${TextField} label="Answers go to" value=${output} onChange=${(next) => change({ output: next })} hint="A new data set; its name ends in .csv or .jsonl." />
      <${TextField} label="Name of the job" value=${name} maxlength="64" onChange=${(next) => change({ name: next })} />
      <${Choice} label="When" value=${fields.dispatch} onChange=${(dispatch) => change({ dispatch })} options=${[{ value: "demand", label: "Now" }, { value: "schedule", label: "By a schedule" }]} />
      ${fields.dispatch === "schedule" &&
      html`<div class="fields"><${TextField} label="Schedule" value=${fields.schedule} placeholder="0 6 * * 1-5" hint="Five cron fields, @daily, or an interval such as 15m." onChange=${(schedule) => change({ schedule })} />
        <${TextField} label="Time zone" value=${fields.zone} onChange=${(zone) => change({ zone })} /></div>`}
      <details class="more"><summary>Advanced settings</summary>
        <div class="stack">
          <${TextField} label="Description" optional value=${fields.description} onChange=${(description) => change({ description })} />
          <div class="fields"><${SelectField} label="Python version" value=${fields.environment} options=${known.data?.versions ?? [fields.environment]} onChange=${(environment) => change({ environment })} hint="Noted, not run." />
            ${fields.dispatch === "demand" && html`<${TextField} label="Name of the run" optional value=${fields.run} placeholder="${name}-1" maxlength="64" onChange=${(run) => change({ run })} />`}</div>
          <${AreaField} label="Variables" optional rows=${3} value=${fields.variables} placeholder="NAME=value" hint="One a line." onChange=${(variables) => change({ variables })} />
          <${TextField} label="Arguments" optional value=${fields.args} onChange=${(args) => change({ args })} />
        </div>
      </details>
      <${ErrorNote} error=${known.error ?? error} />
      <footer><${Button} kind="primary" type="submit" busy=${busy} disabled=${!model || !(input || file) || !output || !name}>${fields.dispatch === "schedule" ? "Deploy" : "Run now"}<//></footer>
    </form>
  <//>`;
}
