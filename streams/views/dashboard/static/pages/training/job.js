// A training job: its versions, and of the chosen one how far it is, its metrics, its log, what it was told.
import { del, get, path, post } from "../../lib/api.js";
import { html, useMemo, useState } from "../../lib/html.js";
import { ago, counted, duration, number, time } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate, setQuery } from "../../lib/router.js";
import { Button, Check } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Badge, Empty, ErrorNote, Note, Progress, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { Tabs } from "../../ui/tabs.js";
import { Charts } from "./charts.js";
import { Log } from "./log.js";
import { isFailed, isGoing, jobHref, jobPath, kept, kindOf, versionPath, wordOf, workloadOf } from "./paths.js";

const MOST_DRAWN = 8;

export function Job({ project, job, version, query }) {
  const every = (data) => (data.versions.some((each) => isGoing(each.status)) ? 1000 : 4000);
  const ask = (signal) => get(`${jobPath(project, job)}/versions`, { query: { page: 0, system_metric_list: "object" }, signal });
  const { data, error, refresh } = usePolled(ask, [project, job], { every });
  const back = href("training", [], kept(project));
  if (!data) {
    return html`<div class="page-head"><h1><a href=${back}>Training</a></h1></div>
      <${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  }
  const versions = data.versions;
  const chosen = versions.find((each) => String(each.version_id) === version) ?? versions[0];
  const fresh = href("training", [job, "new"], { ...kept(project), from: chosen?.version_id });
  async function removeJob() {
    const text = `Its ${counted(versions.length, "version")}, their models, logs and endpoint are removed. What runs is ended.`;
    if (!(await confirm({ title: `Delete ${data.job_name}?`, text, action: "Delete the job" }))) return;
    if (await attempt(() => del(jobPath(project, job)), { done: `${data.job_name} is deleted.` })) location.hash = back;
  }
  return html`
    <nav aria-label="Where you are" class="trail"><a href=${back}>Training</a></nav>
    <div class="page-head">
      <h1>${data.job_name}</h1>
      <a class="button primary" href=${fresh}>New version</a>
      <${Button} kind="danger" onClick=${removeJob}>Delete the job<//>
    </div>
    ${data.job_desc && html`<p class="quiet about">${data.job_desc}</p>`}
    <${ErrorNote} error=${error} retry=${refresh} />
    ${chosen
      ? html`<div class="stack">
          <${Versions} ...${{ project, job, versions, chosen, query }} />
          <${Version} key=${chosen.version_id} ...${{ project, job, name: data.job_name, versions, chosen, query, refresh }} />
        </div>`
      : html`<${Empty} title="This job has no version" action=${html`<a class="button primary" href=${fresh}>New version</a>`}>A version is one run of the job, with its settings, its log and its model.<//>`}
  `;
}

function Versions({ project, job, versions, chosen, query }) {
  const drawn = drawnOf(query, chosen);
  const others = { ...kept(project), tab: query.tab, x: query.x, smooth: query.smooth, log: query.log, with: query.with };
  const columns = useMemo(() => {
    const toggle = (id, on) => setQuery({ with: (on ? [...drawn, id] : drawn.filter((each) => each !== id)).filter((each) => each !== chosen.version_id).join(",") });
    return [
      { key: "name", label: "Version", value: (it) => it.version_name, cell: (it) => html`<a href=${href("training", [job, it.version_id], others)}>${it.version_name}</a>` },
      { key: "state", label: "State", value: (it) => wordOf(it.status), cell: (it) => html`<${Badge} kind=${kindOf(it.status)}>${wordOf(it.status)}<//>` },
      { key: "epoch", label: "Epochs", number: true, low: true, value: (it) => it.epoch, cell: (it) => (it.epochs ? `${it.epoch} of ${it.epochs}` : "–") },
      { key: "loss", label: "Loss", number: true, value: (it) => it.loss ?? null, cell: (it) => number(it.loss) },
      { key: "duration", label: "Trained for", number: true, low: true, value: (it) => it.duration, cell: (it) => duration(it.duration / 1000) },
      { key: "created", label: "Created", low: true, value: (it) => it.create_time, cell: (it) => ago(it.create_time) },
      ...(versions.length > 1
        ? [{ key: "draw", label: "In the charts", sortable: false, cell: (it) => html`<${Check} label=${html`<span class="visually-hidden">Draw ${it.version_name}</span>`} checked=${drawn.includes(it.version_id)}
            disabled=${it === chosen || (drawn.length >= MOST_DRAWN && !drawn.includes(it.version_id))} onChange=${(on) => toggle(it.version_id, on)} />` }]
        : []),
    ];
  }, [versions, chosen, query]);
  return html`<${Table} label="Versions" rows=${versions} rowKey=${(it) => it.version_id} chosen=${chosen.version_id} columns=${columns} height="260px"
    onOpen=${(it) => navigate("training", [job, it.version_id], others)} />`;
}

/** The versions in the charts: the chosen one, and those of the address. */
const drawnOf = (query, chosen) => [chosen.version_id, ...(query.with ?? "").split(",").map(Number).filter((id) => id && id !== chosen.version_id)].slice(0, MOST_DRAWN);

function Version({ project, job, name, versions, chosen, query, refresh }) {
  const at = versionPath(project, job, chosen.version_id);
  const going = isGoing(chosen.status);
  const tab = ["log", "settings"].includes(query.tab) ? query.tab : "metrics";
  const [asked, setAsked] = useState(false);
  const shown = drawnOf(query, chosen).map((id) => versions.find((each) => each.version_id === id)).filter(Boolean);
  const workloads = useMemo(
    () => shown.map((each) => ({ uid: workloadOf(job, each.version_id), label: each.version_name, live: isGoing(each.status) })),
    [shown.map((each) => `${each.version_id} ${isGoing(each.status)}`).join()],
  );
  async function stop() {
    setAsked(true);
    await attempt(() => post(`${at}/stop`), { done: `${chosen.version_name} is being stopped.` });
    await refresh();
  }
  async function remove() {
    const text = going ? "It is ended first. Its model and its log are removed; its metrics stay." : "Its model and its log are removed; its metrics stay.";
    if (!(await confirm({ title: `Delete ${chosen.version_name} of ${name}?`, text, action: "Delete the version" }))) return;
    if (await attempt(() => del(at), { done: `${chosen.version_name} is deleted.` })) location.hash = jobHref(project, job);
    await refresh();
  }
  const tabs = ["metrics", "log", "settings"].map((each) => ({ name: each, label: TABS[each], href: href("training", [job, chosen.version_id], { ...query, tab: each === "metrics" ? "" : each }) }));
  return html`<section class="card" aria-label="Version ${chosen.version_name}">
    <header>
      <h2 class="fit">${chosen.version_name}</h2>
      <${Badge} kind=${kindOf(chosen.status)}>${wordOf(chosen.status)}<//>
      <span class="grow"></span>
      ${going && html`<${Button} kind="small" disabled=${asked || chosen.status === 9} onClick=${stop}>Stop<//>`}
      <${Button} kind="small danger" onClick=${remove}>Delete<//>
    </header>
    ${going && html`<${Progress} label="${chosen.version_name}, epochs" value=${chosen.epoch} of=${chosen.epochs || undefined} />`}
    <dl class="facts">
      ${factsOf(chosen).map(([term, words]) => html`<div key=${term}><dt>${term}</dt><dd class="figure">${words}</dd></div>`)}
    </dl>
    ${chosen.message && html`<div class="after-facts"><${Note} kind=${isFailed(chosen.status) ? "bad" : "plain"}>${chosen.message}<//></div>`}
    <div class="after-facts"><${Tabs} label="Of ${chosen.version_name}" tabs=${tabs} current=${tab} /></div>
    ${tab === "metrics" && html`<${Charts} key=${workloads.map((each) => each.uid).join()} workloads=${workloads} query=${query} />`}
    ${tab === "log" && html`<${Log} at=${at} name="${name}-${chosen.version_name}" going=${going} />`}
    ${tab === "settings" && html`<${Settings} version=${chosen} />`}
  </section>`;
}

const TABS = { metrics: "Metrics", log: "Log", settings: "Settings" };

function factsOf(version) {
  const measured = version.system_metric_list ?? {};
  const last = (values) => (values?.length ? `${values[values.length - 1]} %` : "");
  const facts = [
    ["Epochs", version.epochs ? `${version.epoch} of ${version.epochs}` : ""],
    ["Loss", version.loss === undefined ? "" : number(version.loss)],
    ["Validation loss", version.validation_loss === undefined ? "" : number(version.validation_loss)],
    ...Object.entries(version.metrics ?? {}).map(([name, value]) => [name, number(value)]),
    ["Begun", version.start_time ? time(version.start_time) : ""],
    ["Trained for", version.start_time ? duration(version.duration / 1000) : ""],
    ["CPU", last(measured.cpuUsage)],
    ["Memory", last(measured.memUsage)],
    ["Endpoint", version.endpoint && html`<a href=${href("models", ["endpoints", version.endpoint])}>${version.endpoint}</a>`],
    ["Results", version.forecast_job_id && html`<a href=${path`/job/${version.forecast_job_id}/job_results/`}>of forecasting job ${version.forecast_job_id}</a>`],
  ];
  return facts.filter(([, words]) => words !== "" && words !== undefined && words !== null);
}

const SHOWN = ["model_id", "app_url", "boot_file_url", "engine_name", "engine_version", "data_url", "dataset_id", "dataset_version_id", "train_url", "log_url", "worker_server_num", "spec_code", "pool_id", "user_image_url", "user_command", "resource_id"];

function Settings({ version }) {
  const rows = version.parameter ?? [];
  return html`<div class="stack">
    <dl class="facts">
      ${SHOWN.filter((name) => version[name] !== "" && version[name] !== undefined).map((name) => html`<div key=${name}><dt><code>${name}</code></dt><dd>${String(version[name])}</dd></div>`)}
    </dl>
    ${rows.length
      ? html`<${Table} label="Parameters" rows=${rows} rowKey=${(row) => row.label} height="420px"
          columns=${[{ key: "label", label: "Parameter", value: (row) => row.label, cell: (row) => html`<code>${row.label}</code>` }, { key: "value", label: "Value", value: (row) => String(row.value) }]} />`
      : html`<p class="quiet">No parameters: the algorithm's own are used.</p>`}
  </div>`;
}
