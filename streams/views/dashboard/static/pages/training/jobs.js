// The list of a project's training jobs.
import { html, useMemo } from "../../lib/html.js";
import { ago, count, counted, duration } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate, setQuery } from "../../lib/router.js";
import { Choice, Search } from "../../ui/controls.js";
import { Badge, Empty, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { isFailed, isGoing, jobHref, kept, kindOf, listJobs, wordOf } from "./paths.js";

const FILTERS = {
  all: () => true,
  going: (job) => isGoing(job.status),
  completed: (job) => job.status === 10,
  failed: (job) => isFailed(job.status),
};
const WORDS = { all: "All", going: "Going on", completed: "Completed", failed: "Failed" };

export function Jobs({ project, query }) {
  const search = query.search ?? "";
  const filter = FILTERS[query.state] ? query.state : "all";
  const every = (data) => (data.jobs.some((job) => isGoing(job.status)) ? 1500 : 4000);
  const { data, error, refresh } = usePolled((signal) => listJobs(project, search, signal), [project, search], { every });
  const jobs = data?.jobs ?? [];
  const shown = useMemo(() => jobs.filter(FILTERS[filter]), [jobs, filter]);
  const columns = useMemo(() => columnsOf(project), [project]);
  const start = html`<a class="button primary" href=${href("training", ["new"], kept(project))}>New training job</a>`;
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  if (!jobs.length && !search) {
    return html`<${Empty} title="No training job yet" action=${start}>
      Train one of the built-in algorithms on your data, version by version. Each version has its log, its metrics and, with DeepAR, an endpoint that forecasts.
    <//>`;
  }
  const options = Object.entries(WORDS).map(([value, label]) => ({ value, label, count: count(jobs.filter(FILTERS[value]).length) }));
  return html`<div class="stack">
    <${ErrorNote} error=${error} retry=${refresh} />
    <div class="row">
      <${Search} label="Search by name" value=${search} onChange=${(text) => setQuery({ search: text.slice(0, 64) })} wait=${250} />
      <${Choice} label="Show" value=${filter} options=${options} onChange=${(state) => setQuery({ state: state === "all" ? "" : state })} />
      <span class="quiet grow low">${data.jobs.length ? `${counted(data.quotas, "version runs", "versions run")} at a time, ${count(data.job_count_limit)} more jobs may be made` : ""}</span>
    </div>
    ${data.job_total_count > jobs.length && html`<${Note}>The newest ${count(jobs.length)} of ${count(data.job_total_count)} jobs: search to see others.<//>`}
    <${Table} label="Training jobs" rows=${shown} rowKey=${(job) => job.job_id} columns=${columns} sort=${query.sort ?? "-created"} onSort=${(sort) => setQuery({ sort })}
      onOpen=${(job) => navigate("training", [job.job_id], kept(project))}
      empty=${html`<${Empty} title="No job fits">Change the search, or show all.<//>`} />
  </div>`;
}

const columnsOf = (project) => [
  { key: "name", label: "Name", wide: true, value: (job) => job.job_name, cell: (job) => html`<a href=${jobHref(project, job.job_id)}>${job.job_name}</a>` },
  { key: "state", label: "State", value: (job) => wordOf(job.status), cell: (job) => html`<${Badge} kind=${kindOf(job.status)}>${wordOf(job.status)}<//>` },
  { key: "versions", label: "Versions", number: true, low: true, value: (job) => job.version_count },
  { key: "duration", label: "Trained for", number: true, low: true, value: (job) => job.duration, cell: (job) => duration(job.duration / 1000) },
  { key: "created", label: "Created", value: (job) => job.create_time, cell: (job) => ago(job.create_time) },
  { key: "about", label: "Description", wide: true, low: true, value: (job) => job.job_desc },
];
