// A job: its series, its models, how far it is, what came of it.
import { del, get, path, post } from "../../lib/api.js";
import { counted, duration } from "../../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../../lib/html.js";
import { useAsked, useWatched } from "../../lib/live.js";
import { href, navigate, setQuery } from "../../lib/router.js";
import { Button, Search } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Badge, ErrorNote, Note, Progress, Skeleton, toast } from "../../ui/feedback.js";
import { VirtualList } from "../../ui/list.js";
import { save } from "../../lib/files.js";
import { groupValues, seriesName } from "./guess.js";
import { asCsv, latest } from "./lines.js";
import { Models } from "./models.js";
import { Outcome } from "./outcome.js";
import { Series } from "./series.js";
import { Standing } from "./standing.js";

export const STATES = [["plain", "new"], ["plain", "settings saved"], ["busy", "training"], ["good", "done"], ["bad", "failed"]];

export function Job({ jobId, query }) {
  const address = path`/job/${jobId}/`;
  const details = useAsked((signal) => get(`${address}ts_details/`, { signal }), [address]);
  const live = useWatched([`${address}?series=0`]);
  const job = live.answers[`${address}?series=0`];
  const status = job?.status;
  const finished = status >= 3 && job.submitted === job.finished;
  const results = useResults(address, finished, job?.submitted);
  const series = useMemo(() => (details.data?.ts_details ?? []).map((each) => ({ ...each, name: seriesName(each.groupby_val, job?.name ?? "the series") })), [details.data, job?.name]);
  const found = query.find ?? "";
  const matching = useMemo(() => (found ? series.filter((each) => each.name.toLowerCase().includes(found.toLowerCase())) : series), [series, found]);
  const chosen = series.find((each) => String(each.ts_id) === query.series)?.ts_id ?? matching[0]?.ts_id ?? null;
  const choose = (tsId) => setQuery({ series: tsId });
  const rows = useMemo(() => rowsOf(results.data, series), [results.data, series]);
  useEffect(() => {
    if (finished) details.refresh();
  }, [finished, job?.submitted]);

  if (live.error) return html`<${ErrorNote} error=${live.error} title="This job cannot be shown." />`;
  if (details.error) return html`<${ErrorNote} error=${details.error} retry=${details.refresh} />`;
  if (!job || !details.data) return html`<${Skeleton} lines=${8} />`;
  if (!series.length) {
    return html`<${Note}>This job has no series yet. <a href=${href("forecast", ["data", job.data_id], { job: jobId })}>Choose its columns</a>.<//>`;
  }
  const warnings = details.data.warnings ?? [];
  return html`
    <${Head} job=${job} address=${address} series=${series} />
    <div class="stack">
      ${warnings.length > 0 && html`<${Note} kind="warn">${warnings.join(" ")}<//>`}
      ${job.message && status === 4 && html`<${Note} kind="bad">${job.message}<//>`}
      ${status === 2 && html`<${Running} job=${job} address=${address} />`}
      <${Standing} job=${job} address=${address} />
      <${ErrorNote} error=${results.error} title="The results could not be read." retry=${results.refresh} />
      <div class="split">
        <section aria-label="Series">
          <div class="row section-head list-head"><h2>${counted(matching.length, "series", "series")}</h2><${Search} label="Search the series" value=${found} onChange=${(text) => setQuery({ find: text, series: "" })} /></div>
          <${VirtualList} label="Series" items=${matching} itemKey=${(it) => it.ts_id} chosen=${chosen} onChoose=${(it) => choose(it.ts_id)}>
            ${(it) => html`<span class="cut grow">${it.name}</span><span class="quiet figure">${it.points}</span><${Dot} status=${it.status} />`}
          <//>
        </section>
        ${chosen !== null && html`<${Series} address=${address} version=${finished ? job.submitted : undefined} chosen=${series.find((each) => each.ts_id === chosen)} results=${rows.filter((row) => row.tsId === chosen).map((row) => row.result)} />`}
      </div>
      ${rows.length > 0 && html`<div class="row end"><${Button} onClick=${() => save(`forecasts-${job.name ?? jobId}.csv`, csvOf(rows, details.data), "text/csv")}>Download all forecasts as CSV<//></div>`}
      ${rows.length > 0 && html`<${Outcome} ...${{ job, address, query, rows, chosen }} columns=${details.data.ts_details[0].groupby_key} features=${details.data.features} onChoose=${choose} />`}
      <div hidden=${status === 2}><${Models} jobId=${jobId} series=${series} matching=${matching} chosen=${chosen} features=${details.data.features}
        onTrained=${(trains, number) => toast(trains ? `${counted(number, "training")} accepted` : "Saved; nothing is trained yet", { kind: "good" })} /></div>
    </div>
  `;
}

/** Results as they were last, also while the job trains and cannot tell: one that is refreshed does so all the time. */
function useResults(address, finished, submitted) {
  const last = useRef(null);
  return useAsked(async (signal) => {
    if (finished) last.current = await get(`${address}job_results/`, { signal, query: { history: 0 } });
    return last.current;
  }, [address, finished, submitted]);
}

function rowsOf(answer, series) {
  const names = new Map(series.map((each) => [each.ts_id, each.name]));
  return (answer?.results ?? []).flatMap(({ ts_id: tsId, results }) => latest(results).map((result) => ({ tsId, name: names.get(tsId) ?? String(tsId), result })));
}

function csvOf(rows, { ts_details: details }) {
  const values = new Map(details.map((each) => [each.ts_id, groupValues(each.groupby_val)]));
  return asCsv(rows, details[0]?.groupby_key ?? [], (tsId) => values.get(tsId) ?? []);
}

function Dot({ status }) {
  const [kind, words] = STATES[status] ?? ["plain", "unknown"];
  return status === 0 ? null : html`<${Badge} kind=${kind}>${words}<//>`;
}

function Head({ job, address, series }) {
  const [kind, words] = STATES[job.status];
  async function remove() {
    if (!(await confirm({ title: "Delete this job?", text: "Its series and results are gone. The data set stays.", action: "Delete" }))) return;
    const gone = await attempt(async () => {
      await del(address);
      return true;
    }, { done: "The job is deleted" });
    if (gone) navigate("forecast");
  }
  return html`<div class="page-head">
    <h1>${job.name ?? `Job ${job.job_id}`}</h1>
    <${Badge} kind=${kind}>${words}<//>
    <a href=${href("forecast", ["data", job.data_id], job.status < 2 ? { job: job.job_id } : {})}>${job.status < 2 ? "Other columns" : "Other columns in a new job"}</a>
    <${Button} kind="small" onClick=${remove}>Delete<//>
  </div>`;
}

/** How far it is, and how long it may take yet: by what it has done since one looks. */
function Running({ job, address }) {
  const begun = useRef(null);
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (begun.current === null || begun.current.of !== job.submitted) begun.current = { at: performance.now(), finished: job.finished, of: job.submitted };
  const did = job.finished - begun.current.finished;
  const left = did > 0 ? ((job.submitted - job.finished) * (now - begun.current.at)) / did / 1000 : NaN;
  async function stop() {
    if (!(await confirm({ title: "Stop the training?", text: "What is trained by now stays; the rest ends as cancelled.", action: "Stop" }))) return;
    await attempt(() => post(`${address}stop/`), { done: "The training is stopped" });
  }
  return html`<section class="card" aria-label="Training">
    <div class="row"><strong class="grow">Training: ${job.finished} of ${counted(job.submitted, "answer")}${job.failed ? `, ${job.failed} failed` : ""}</strong>
      <span class="quiet">${Number.isFinite(left) ? `about ${duration(left)} left` : ""}</span>
      <${Button} kind="danger small" onClick=${stop}>Stop<//>
    </div>
    <${Progress} label="Training" value=${job.finished} of=${job.submitted} />
  </section>`;
}
