// Health: whether the service works, who works in it, what is left to do, how quick it is, what could not be applied.
import { get } from "../../lib/api.js";
import { html } from "../../lib/html.js";
import { count, counted } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { Badge, Empty, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { Alerts } from "./alerts.js";
import { Letters } from "./letters.js";
import { Rates } from "./rates.js";

const LOOK_MS = 5000;

export function Page({ query }) {
  // Both are asked whatever becomes of the other: a service that is not ready has most to tell.
  const ready = usePolled((signal) => get("/readyz", { signal, once: true }), [], { every: LOOK_MS });
  const cluster = usePolled((signal) => get("/cluster", { signal, once: true }), [], { every: LOOK_MS });
  return html`
    <div class="page-head"><h1>Health</h1><${State} ready=${ready} /></div>
    <div class="stack">
      <${ErrorNote} error=${ready.error} retry=${ready.refresh} title="The service is not ready." />
      <${Rates} />
      <${Cluster} cluster=${cluster} />
      <section class="card" aria-labelledby="alerts"><header><h2 id="alerts">Alerts</h2><span class="quiet">of forecasts, by what came</span></header><${Alerts} /></section>
      <${Letters} query=${query} />
      <p class="quiet">Grafana and alarms read the same figures at <a href="/metrics">/metrics</a>.</p>
    </div>
  `;
}

function State({ ready }) {
  if (ready.error) return html`<${Badge} kind="bad">${ready.error.status ? "Not ready" : "No answer"}<//>`;
  if (!ready.data) return html`<${Badge}>Asking<//>`;
  return html`<${Badge} kind="good">Ready<//>`;
}

function Cluster({ cluster }) {
  const { data, error, refresh } = cluster;
  if (!data) return html`<section class="card" aria-label="Workers"><${ErrorNote} error=${error} retry=${refresh} title="Who works here is not known." />${!error && html`<${Skeleton} />`}</section>`;
  const behind = data.roles.flatMap((role) => role.topics.map((each) => ({ ...each, role: role.role })));
  return html`
    <${ErrorNote} error=${error} retry=${refresh} />
    <section class="card" aria-labelledby="workers">
      <header><h2 id="workers">Workers</h2>
        ${data.roles.map((role) => html`<${Badge} key=${role.role} kind=${kindOf(role)}>${role.role}: ${counted(role.workers, "worker")}, ${role.state}<//>`)}</header>
      <${Table} label="Workers" rows=${data.workers} rowKey=${(it) => `${it.role} ${it.name}`} columns=${WORKERS} height="320px"
        empty=${html`<${Empty} title="Nobody works">Start the service, or a worker: tidecast up, tidecast worker.<//>`} />
    </section>
    <section class="card" aria-labelledby="lag">
      <header><h2 id="lag">Lag</h2><span class="quiet">records that are waiting or in work</span></header>
      ${behind.length
        ? html`<${Table} label="Lag" rows=${behind} rowKey=${(it) => `${it.role} ${it.topic}`} columns=${LAG} sort="-lag" height="260px" />`
        : html`<p><${Badge} kind="good">Nothing waits<//> <span class="quiet">All that was sent is done.</span></p>`}
    </section>
    <section class="card" aria-labelledby="broker">
      <header><h2 id="broker">Broker and versions</h2></header>
      <dl class="facts">
        <div><dt>${data.brokers.length === 1 ? "Broker" : "Brokers"}</dt><dd class="figure">${data.brokers.map((it) => `${it.host}:${it.port}`).join(", ")}</dd></div>
        <div><dt>Cluster</dt><dd><code>${data.cluster_id}</code></dd></div>
        ${Object.entries(data.versions).map(([name, version]) => html`<div key=${name}><dt>${name.replace("_", " ")}</dt><dd class="figure">${version}</dd></div>`)}
      </dl>
    </section>
  `;
}

const kindOf = (role) => (role.workers === 0 ? "bad" : role.state === "stable" ? "good" : "busy");

const WORKERS = [
  { key: "name", label: "Worker", wide: true, value: (it) => it.name },
  { key: "role", label: "Role", value: (it) => it.role },
  { key: "host", label: "Host", low: true, value: (it) => it.host },
  { key: "partitions", label: "Partitions", number: true, value: (it) => it.partitions, cell: (it) => count(it.partitions) },
];
const LAG = [
  { key: "topic", label: "Topic", wide: true, value: (it) => it.topic },
  { key: "role", label: "Read by", value: (it) => it.role },
  { key: "lag", label: "Records", number: true, value: (it) => it.lag, cell: (it) => count(it.lag) },
];
