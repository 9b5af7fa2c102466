// Page 2: all jobs of all systems, as they are now; filtered, stopped, repeated, removed.
import { ago, count } from "../lib/format.js";
import { html, useMemo } from "../lib/html.js";
import { useWatched } from "../lib/live.js";
import { href, setQuery } from "../lib/router.js";
import { Button, Choice, Search, SelectField } from "../ui/controls.js";
import { confirm } from "../ui/dialog.js";
import { attempt, Badge, Empty, ErrorNote, Skeleton } from "../ui/feedback.js";
import { Table } from "../ui/table.js";
import { Letters } from "./health/letters.js";
import { GROUPS, SYSTEMS } from "./jobs/systems.js";

const PATHS = SYSTEMS.map((each) => each.path);

export function Page({ query }) {
  const live = useWatched(PATHS);
  const rows = useMemo(() => SYSTEMS.flatMap((system) => (live.answers[system.path] ? system.rows(live.answers[system.path]).map((row) => ({ ...row, system })) : [])), [live.answers]);
  const found = (query.find ?? "").toLowerCase();
  const asked = rows.filter((row) => (!query.system || row.system.name === query.system) && (!found || `${row.name} ${row.said}`.toLowerCase().includes(found)));
  const shown = query.state ? asked.filter((row) => row.kind === query.state) : asked;
  const waits = Object.keys(live.answers).length === 0 && !live.error;
  const of = (kind) => count(asked.filter((row) => row.kind === kind).length);
  return html`
    <div class="page-head"><h1>Jobs</h1><${Live} state=${live.state} /></div>
    <div class="stack">
      <div class="row job-tools">
        <${Choice} label="State" value=${query.state ?? ""} onChange=${(state) => setQuery({ state })}
          options=${[{ value: "", label: "All", count: count(asked.length) }, ...GROUPS.map(([value, label]) => ({ value, label, count: of(value) }))]} />
        <${SelectField} label="System" hidden value=${query.system ?? ""} onChange=${(system) => setQuery({ system })}
          options=${[{ value: "", label: "All systems" }, ...SYSTEMS.map((each) => ({ value: each.name, label: each.title }))]} />
        <${Search} label="Search the jobs" value=${query.find ?? ""} onChange=${(find) => setQuery({ find })} />
      </div>
      <${ErrorNote} error=${live.error} title="Some lists cannot be read." />
      ${query.of && html`<div><div class="row section-head"><strong class="grow">What could not be applied of ${query.of}</strong><${Button} kind="small" onClick=${() => setQuery({ of: "", letters: "" })}>Close<//></div>
        <${Letters} key=${query.of} query=${query} only=${{ key: query.of }} /></div>`}
      ${waits
        ? html`<${Skeleton} lines=${8} />`
        : html`<${Table} label="Jobs" columns=${COLUMNS} rows=${shown} rowKey=${(it) => it.key} sort=${query.sort ?? "-created"} onSort=${(sort) => setQuery({ sort })}
            empty=${rows.length
              ? html`<${Empty} title="Nothing fits" action=${html`<${Button} onClick=${() => setQuery({ state: "", system: "", find: "" })}>Show all jobs<//>`}>No job is as the filters say.<//>`
              : html`<${Empty} title="No job yet" action=${html`<a class="button primary" href=${href("forecast")}>Forecast a file</a>`}>Jobs of all systems are shown here, while they run and afterwards.<//>`} />`}
    </div>
  `;
}

const COLUMNS = [
  { key: "name", label: "Job", value: (it) => it.name, cell: (it) => (it.link ? html`<a class="job-name cut" href=${it.link}>${it.name}</a>` : html`<span class="job-name cut">${it.name}</span>`) },
  { key: "system", label: "System", low: true, value: (it) => it.system.title },
  { key: "state", label: "State", value: (it) => it.word, cell: (it) => html`<${Badge} kind=${it.kind}>${it.word}<//>` },
  { key: "progress", label: "Progress", low: true, number: true, value: (it) => (it.progress ? it.progress[0] / it.progress[1] : null), cell: (it) => (it.progress ? `${count(it.progress[0])} of ${count(it.progress[1])}` : "") },
  { key: "created", label: "Begun", low: true, value: (it) => it.created, cell: (it) => ago(it.created) },
  { key: "said", label: "About", wide: true, low: true, value: (it) => it.said, cell: (it) => html`<span class=${it.kind === "bad" ? "" : "quiet"} title=${it.said}>${it.said}</span>` },
  { key: "do", label: "Actions", sortable: false, number: true, cell: (it) => html`<${Actions} job=${it} />` },
];

function Actions({ job }) {
  const { stop, again, remove } = job;
  async function ask(title, text, action, work, done) {
    if (await confirm({ title, text, action })) await attempt(work, { done });
  }
  return html`<span class="row tight end">
    ${stop && html`<${Button} kind="small" aria-label="Stop ${job.name}" onClick=${() => ask(`Stop ${job.name}?`, "What is finished by now stays; the rest is not done.", "Stop", stop, `${job.name} is stopped`)}>Stop<//>`}
    ${!stop && again?.link && html`<a class="button small" href=${again.link} aria-label="Repeat ${job.name}" title=${again.words}>Repeat</a>`}
    ${!stop && again?.run && html`<${Button} kind="small" aria-label="Repeat ${job.name}" title=${again.words} onClick=${() => attempt(again.run, { done: `${job.name} runs again` })}>Repeat<//>`}
    ${job.kind === "bad" && html`<${Button} kind="small" aria-label="Dead letters of ${job.name}" onClick=${() => setQuery({ of: job.letters })}>Letters<//>`}
    ${remove && html`<${Button} kind="small danger" aria-label="Delete ${job.name}" onClick=${() => ask(`Delete ${job.name}?`, "The job and its results are gone. What it was made of stays.", "Delete", remove, `${job.name} is deleted`)}>Delete<//>`}
  </span>`;
}

const WORDS = { live: ["good", "Live"], connecting: ["busy", "Connecting"], waiting: ["warn", "Connecting again"], off: ["plain", "Not live"] };

function Live({ state }) {
  const [kind, words] = WORDS[state] ?? WORDS.off;
  return html`<${Badge} kind=${kind}>${words}<//>`;
}
