// One job over data sets: its runs, which can be paused, continued, stopped and deleted, and what they made.
import { del, get, path } from "../../lib/api.js";
import { html, useState } from "../../lib/html.js";
import { ago, count, counted, duration, time } from "../../lib/format.js";
import { save } from "../../lib/files.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button } from "../../ui/controls.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { attempt, Badge, Empty, ErrorNote, Note, Progress, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { describeScoringJob, operateRun, runKind, startRun } from "./calls.js";

export function ScoringJob({ name }) {
  const every = (job) => (job.runList.some((run) => run.status === "running") ? 700 : 3000);
  const { data, error, refresh } = usePolled((signal) => describeScoringJob(name, signal), [name], { every });
  const [result, setResult] = useState(null);
  if (!data) {
    return html`<div class="page-head"><h1>${name}</h1></div><${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  }
  async function again() {
    const made = await attempt(() => startRun(name));
    if (made) toast(`${made.name} is begun.`, { kind: "good" });
    await refresh();
  }
  async function remove() {
    const text = `Its ${counted(data.runList.length, "run")} go with it; data sets that they made stay.`;
    if (!(await confirm({ title: `Delete ${name}?`, text, action: "Delete the job" }))) return;
    if (await attempt(() => del(path`/api/v1/jobs/${name}`), { done: `${name} is deleted.` })) navigate("models", ["runs"]);
  }
  async function operate(run, type) {
    if (type === "delete" && !(await confirm({ title: `Delete ${run.name}?`, text: "If it goes on, it is stopped first.", action: "Delete the run" }))) return;
    if (type === "result") {
      const found = await attempt(() => operateRun(run, type));
      if (found) setResult({ run, ...found });
      return;
    }
    await attempt(() => operateRun(run, type), { done: `${run.name}: ${DONE[type]}.` });
    await refresh();
  }
  const runs = data.runList.toReversed();
  const going = runs.filter((run) => run.status === "running");
  return html`
    <div class="page-head"><h1>${name}</h1><${Button} kind="primary" onClick=${again}>Run again<//><${Button} kind="danger" onClick=${remove}>Delete the job<//></div>
    ${data.jobDescription && html`<p class="quiet about">${data.jobDescription}</p>`}
    <${ErrorNote} error=${error} retry=${refresh} />
    <div class="stack">
      <section class="card" aria-label="About the job">
        <dl class="facts">
          <div><dt>Model</dt><dd><a href=${href("models", ["uploaded", data.modelName])}>${data.modelName}</a></dd></div>
          <div><dt>Reads</dt><dd>${data.inputDataset}</dd></div>
          <div><dt>Writes</dt><dd>${data.outputDataset}</dd></div>
          <div><dt>When</dt><dd>${data.schedule ? `${data.schedule} (${data.timeZone})` : "on demand"}</dd></div>
          ${data.nextRunTime && html`<div><dt>Next</dt><dd>${time(data.nextRunTime)}</dd></div>`}
          <div><dt>Start a run by</dt><dd><code>POST ${new URL(data.url).pathname}</code></dd></div>
        </dl>
      </section>
      ${going.map((run) => html`<div key=${run.id} class="card"><div class="row"><strong class="grow">${run.name}</strong><span class="figure">${counted(run.rows, "row")} scored, ${duration(run.duration / 1000)}</span></div><${Progress} label="${run.name}, rows" /></div>`)}
      <${Table} label="Runs" rows=${runs} rowKey=${(run) => run.id} columns=${columnsOf(operate)} empty=${html`<${Empty} title="No run yet">Run it, or wait for its schedule.<//>`} />
    </div>
    ${result && html`<${Result} result=${result} onClose=${() => setResult(null)} />`}
  `;
}

const DONE = { stop: "stopped", pause: "paused", continue: "continued", delete: "deleted" };
const CHOICES = {
  running: [["pause", "Pause"], ["stop", "Stop"]],
  paused: [["continue", "Continue"], ["stop", "Stop"]],
  success: [["result", "Result"], ["delete", "Delete"]],
  failed: [["delete", "Delete"]],
};

const columnsOf = (operate) => [
  { key: "name", label: "Run", wide: true, value: (run) => run.name },
  { key: "state", label: "State", value: (run) => run.status, cell: (run) => html`<${Badge} kind=${runKind(run.status)}>${run.status}<//>` },
  { key: "rows", label: "Rows", number: true, value: (run) => run.rows, cell: (run) => count(run.rows) },
  { key: "wrong", label: "Not scored", number: true, low: true, value: (run) => run.wrongRows, cell: (run) => count(run.wrongRows) },
  { key: "took", label: "Took", number: true, low: true, value: (run) => run.duration, cell: (run) => duration(run.duration / 1000) },
  { key: "begun", label: "Begun", low: true, value: (run) => run.createTime, cell: (run) => ago(run.createTime) },
  { key: "reason", label: "Why", wide: true, low: true, value: (run) => run.reason ?? "" },
  {
    key: "do",
    label: "",
    sortable: false,
    cell: (run) => html`<span class="tight">${(CHOICES[run.status] ?? []).map(
      ([type, label]) => html`<${Button} key=${type} kind="small ${type === "delete" ? "danger" : ""}" aria-label="${label}: ${run.name}" onClick=${() => operate(run, type)}>${label}<//>`,
    )}</span>`,
  },
];

function Result({ result, onClose }) {
  const rows = (result.result ?? []).map((value, at) => ({ at, value }));
  const names = Object.keys(rows[0]?.value ?? {});
  const at = new URL(result.url, location.href).pathname;
  // Not by a link: it would not carry the token.
  const download = () => attempt(async () => save(at.split("/").pop(), await get(at, { as: "blob" })));
  const columns = names.map((name) => ({ key: name, label: name, value: ({ value }) => (value[name] !== null && typeof value[name] === "object" ? JSON.stringify(value[name]) : value[name]) }));
  return html`<${Dialog} title="Result of ${result.run.name}" wide onClose=${onClose}>
    <div class="stack">
      <p>${counted(result.rows, "row")}; the first ${count(rows.length)} are shown.</p>
      ${result.wrongRows > 0 && html`<${Note} kind="warn">${counted(result.wrongRows, "row")} could not be scored: each has its error in the file.<//>`}
      <${Table} label="First rows" rows=${rows} rowKey=${(row) => row.at} columns=${columns} height="420px" />
    </div>
    <footer><${Button} kind="primary" onClick=${download}>Download all<//></footer>
  <//>`;
}
