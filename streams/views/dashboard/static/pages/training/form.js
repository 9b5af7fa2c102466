// A new training job, or a new version of one: the form is made from what the algorithm can be told.
import { get, path, post, put } from "../../lib/api.js";
import { html, useEffect, useMemo, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { AreaField, Button, Check, Choice, Field, NumberField, SelectField, TextField } from "../../ui/controls.js";
import { ErrorNote, Note, Skeleton, toast } from "../../ui/feedback.js";
import { jobHref, jobPath, jobsPath, kept, versionPath } from "./paths.js";
import { configOf, DATA, draftOf, FORECASTING, wordsFor } from "./request.js";

const SCRIPT = "script";

export function Form({ project, job, from }) {
  const known = useAsked(async (signal) => {
    const [algorithms, datasets, before] = await Promise.all([
      get(path`/v1/${project}/built-in-algorithms`, { signal }),
      get("/data/", { signal }).catch(() => ({ data: [] })),
      job ? get(from ? versionPath(project, job, from) : `${jobPath(project, job)}/versions`, { signal }) : null,
    ]);
    return { models: algorithms.models, datasets: datasets.data, before: before?.versions ? { ...before, ...before.versions[0] } : before };
  }, [project, job, from]);
  const back = job ? jobHref(project, job) : href("training", [], kept(project));
  const title = job ? `New version${known.data?.before ? ` of ${known.data.before.job_name}` : ""}` : "New training job";
  return html`
    <nav aria-label="Where you are" class="trail"><a href=${href("training", [], kept(project))}>Training</a>${job && html` / <a href=${back}>${known.data?.before?.job_name ?? "Job"}</a>`}</nav>
    <div class="page-head"><h1>${title}</h1></div>
    <${ErrorNote} error=${known.error} retry=${known.refresh} />
    ${known.data ? html`<${Fields} ...${{ project, job, back, ...known.data }} />` : !known.error && html`<${Skeleton} lines=${8} />`}
  `;
}

function Fields({ project, job, back, models, datasets, before }) {
  const [draft, setDraft] = useState(() => draftOf(before, models));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const change = (changes) => setDraft((last) => ({ ...last, ...changes }));
  const model = models.find((each) => String(each.model_id) === draft.model);
  const described = useAsked((signal) => (model ? get(path`/model/${model.model_name}/`, { signal }) : Promise.resolve({ data: [] })), [model?.model_name]);
  const jsonl = model?.model_name === "DeepAR" && !/\.(csv|tsv|txt|zip|gz)$/i.test(draft.file?.name ?? draft.dataUrl);
  const labels = model ? [...(jsonl ? DATA.jsonl : FORECASTING), ...(described.data?.data ?? [])] : [];
  const request = useMemo(() => configOf(draft, labels.map((each) => each.label), before), [draft, labels.length, before]);
  const fault = wordsFor(error);

  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const config = { ...request };
      if (draft.data === "file" && draft.file) config.data_url = await uploaded(draft.file);
      const body = job ? { job_desc: draft.about, config } : { job_name: draft.name.trim(), job_desc: draft.about, config };
      const made = await post(job ? `${jobPath(project, job)}/versions` : jobsPath(project), body);
      toast(`${made.version_name} of ${made.job_name} is started.`, { kind: "good" });
      navigate("training", [made.job_id, made.version_id], kept(project));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  }

  return html`<form class="stack training-form" onSubmit=${send} novalidate>
    <section class="card" aria-labelledby="about-job">
      <header><h2 id="about-job">${job ? "Description" : "Name"}</h2></header>
      <div class="fields">
        ${!job && html`<${TextField} label="Name" value=${draft.name} onChange=${(name) => change({ name })} error=${fault.job_name} hint="Letters, digits, _ and -; an endpoint gets this name too." maxlength="64" autofocus />`}
        <${TextField} label="Description" optional value=${draft.about} onChange=${(about) => change({ about })} error=${fault.job_desc} maxlength="256" />
      </div>
    </section>
    <section class="card" aria-labelledby="what-runs">
      <header><h2 id="what-runs">Algorithm</h2></header>
      <div class="fields">
        <${SelectField} label="Algorithm" value=${draft.model} onChange=${(next) => change({ model: next })} error=${fault.model_id} hint=${model?.model_intro}
          options=${[...models.map((each) => ({ value: String(each.model_id), label: each.model_name })), { value: SCRIPT, label: "A script of your own" }]} />
        ${!model && html`
          <${TextField} label="Folder of the code" value=${draft.app} onChange=${(app) => change({ app })} error=${fault.app_url} placeholder="/uploads/my-code/" />
          <${TextField} label="Boot file" value=${draft.boot} onChange=${(boot) => change({ boot })} error=${fault.boot_file_url} placeholder="/uploads/my-code/train.py" hint="It is run only where TIDECAST_USER_CODE allows that." />`}
      </div>
    </section>
    <section class="card" aria-labelledby="what-data">
      <header><h2 id="what-data">Data</h2>
        <${Choice} label="Where the data is" value=${draft.data} onChange=${(data) => change({ data })}
          options=${[{ value: "known", label: "Data set" }, { value: "file", label: "Upload" }, { value: "path", label: "Path" }]} /></header>
      <div class="fields">
        ${draft.data === "known" && html`<${SelectField} label="Data set" value=${draft.dataUrl} onChange=${(dataUrl) => change({ dataUrl })} error=${fault.data}
          options=${[{ value: "", label: datasets.length ? "Choose one" : "There is none yet: upload a file" }, ...datasets.toReversed().map((each) => ({ value: each.upload, label: each.name }))]} />`}
        ${draft.data === "path" && html`<${TextField} label="Path" value=${draft.dataUrl} onChange=${(dataUrl) => change({ dataUrl })} error=${fault.data} placeholder="/uploads/sales.jsonl" />`}
        ${draft.data === "file" && html`<${Field} label="File" error=${fault.data} hint="CSV, or JSON Lines with start and target for DeepAR.">
          ${(given) => html`<input type="file" ...${given} accept=".csv,.tsv,.txt,.jsonl,.json,.gz,.zip" onChange=${(event) => change({ file: event.target.files[0] ?? null })} />`}<//>`}
      </div>
    </section>
    <section class="card" aria-labelledby="parameters">
      <header><h2 id="parameters">Parameters</h2><span class="quiet">What is empty is left to the algorithm.</span></header>
      ${fault.parameter && html`<${Note} kind="bad">${fault.parameter}<//>`}
      <div class="fields">
        ${labels.map((each) => html`<${Parameter} key=${each.label} about=${each} value=${draft.values[each.label] ?? ""} onChange=${(value) => change({ values: { ...draft.values, [each.label]: value } })} />`)}
      </div>
      <div class="further"><${AreaField} label="Further parameters" optional rows=${3} value=${draft.further} onChange=${(further) => change({ further })} placeholder="label = value" hint=${model ? "One a line." : "One a line; they are arguments of the boot file."} /></div>
    </section>
    <details class="card more"><summary>Output, workers, the request</summary>
      <div class="fields">
        <${TextField} label="Results go to" optional value=${draft.train} onChange=${(train) => change({ train })} error=${fault.train_url} placeholder="/outputs/sales/" />
        <${NumberField} label="Workers" value=${draft.workers} onChange=${(workers) => change({ workers })} error=${fault.worker_server_num} hint="One for built-in algorithms." />
      </div>
      <h3>What is sent</h3>
      <pre class="code">${JSON.stringify(job ? { config: request } : { job_name: draft.name, config: request }, null, 2)}</pre>
    </details>
    ${error && !fault.placed && html`<${ErrorNote} error=${error} />`}
    <div class="row"><${Button} kind="primary" type="submit" busy=${busy}>${job ? "Start the version" : "Start the job"}<//><a class="button" href=${back}>Cancel</a></div>
  </form>`;
}

/** One thing that the algorithm can be told, by what is known of it. */
function Parameter({ about, value, onChange }) {
  const { label, intro, type, val, low, high, choice } = about;
  const range = low !== null && low !== undefined ? ` ${low} to ${high} is usual.` : "";
  const hint = `${intro ?? ""}${range}`;
  if (choice?.length) {
    const first = { value: "", label: val === null || val === undefined ? "–" : `${val} (default)` };
    return html`<${SelectField} label=${label} hint=${hint} value=${value} onChange=${onChange} options=${[first, ...choice.map((each) => ({ value: String(each), label: String(each) }))]} />`;
  }
  const Kind = type === "int" || type === "float" ? NumberField : TextField;
  return html`<${Kind} label=${label} hint=${hint} value=${value} onChange=${onChange} placeholder=${val === null || val === undefined ? "" : String(val)} />`;
}

/** The path of a file that was put into the store. */
async function uploaded(file) {
  if (/\.(csv|tsv|txt|gz|zip)$/i.test(file.name)) {
    const form = new FormData();
    form.append("upload", file);
    return (await post("/data/", undefined, { form })).data.upload;
  }
  const safe = file.name.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[.-]+/, "") || "data.jsonl";
  const at = `/uploads/training/${Date.now()}/${safe}`;
  await put(at, undefined, { body: file });
  return at;
}
