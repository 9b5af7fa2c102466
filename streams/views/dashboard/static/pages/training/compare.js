// The metrics of any workloads, whoever has sent them, drawn over one another.
import { get } from "../../lib/api.js";
import { html, useMemo } from "../../lib/html.js";
import { ago, count } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { setQuery } from "../../lib/router.js";
import { Check, Search } from "../../ui/controls.js";
import { Badge, Empty, ErrorNote, Note, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { Charts } from "./charts.js";

const LISTED = 2000; // the newest
const MOST_DRAWN = 8; // as many as there are colours
const KINDS = { running: "busy", succeeded: "good", failed: "bad", stopped: "warn" };
const ENDED = ["succeeded", "failed", "stopped"];

export function Compare({ query }) {
  const { data, error, refresh } = usePolled((signal) => get("/api/v1/workloads", { query: { limit: LISTED }, signal }), [], { every: 4000 });
  const workloads = data?.workloads ?? [];
  const asked = query.workloads ? query.workloads.split(",").filter(Boolean) : null;
  const chosen = asked ?? workloads.slice(0, 1).map((each) => each.workload_uid);
  const search = (query.search ?? "").toLowerCase();
  const found = useMemo(() => workloads.filter((each) => `${each.name} ${each.workload_uid} ${each.kind}`.toLowerCase().includes(search)), [workloads, search]);
  const drawn = useMemo(() => chosen.slice(0, MOST_DRAWN).map((uid) => shownAs(uid, workloads)), [chosen.join(), data]);
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  if (!workloads.length && !asked) {
    return html`<${Empty} title="No metrics yet" action=${html`<a class="button" href="/docs">How to send points</a>`}>
      Every training sends its metrics here. Your own trainings can, too: by POST, as W&B or MLflow clients, from log lines or TensorBoard files.
    <//>`;
  }
  function toggle(uid, on) {
    const next = on ? [...chosen, uid] : chosen.filter((each) => each !== uid);
    if (next.length > MOST_DRAWN) toast(`At most ${MOST_DRAWN} workloads are drawn over one another.`);
    else setQuery({ workloads: next.join(",") || "," });
  }
  return html`<div class="split">
    <section aria-label="Workloads">
      <div class="row"><${Search} label="Search workloads" value=${query.search ?? ""} onChange=${(text) => setQuery({ search: text })} /></div>
      <${ErrorNote} error=${error} retry=${refresh} />
      <div class="workloads">
        <${Table} label="Workloads" rows=${found} rowKey=${(each) => each.workload_uid} columns=${columnsOf(chosen, toggle)} height="min(64vh, 720px)"
          empty=${html`<${Empty} title="No workload fits">Search for a part of a name, a uid, or a kind.<//>`} />
      </div>
      ${data.total_count > workloads.length && html`<${Note}>The newest ${count(workloads.length)} of ${count(data.total_count)}.<//>`}
    </section>
    <section aria-label="Metrics" class="grow">
      ${drawn.length
        ? html`<${Charts} workloads=${drawn} query=${query} />`
        : html`<${Empty} title="Nothing chosen">Choose up to ${MOST_DRAWN} workloads: their metrics are drawn over one another.<//>`}
    </section>
  </div>`;
}

const columnsOf = (chosen, toggle) => [
  {
    key: "name",
    label: "Workload",
    wide: true,
    value: (each) => each.name,
    cell: (each) => html`<${Check} label=${each.name} checked=${chosen.includes(each.workload_uid)} onChange=${(on) => toggle(each.workload_uid, on)} />`,
  },
  { key: "status", label: "State", low: true, value: (each) => each.status, cell: (each) => html`<span title=${ago(each.create_time)}><${Badge} kind=${KINDS[each.status] ?? "plain"}>${each.status}<//></span>` },
];

/** What is drawn of a uid: labels must differ. */
function shownAs(uid, workloads) {
  const found = workloads.find((each) => each.workload_uid === uid);
  if (!found) return { uid, label: uid, live: true };
  const alone = workloads.filter((each) => each.name === found.name).length === 1;
  return { uid, label: alone || found.name === uid ? found.name : `${found.name} (${uid})`, live: !ENDED.includes(found.status) };
}
