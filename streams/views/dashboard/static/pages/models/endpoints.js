// Endpoints: DeepAR models that training jobs have made.
import { get } from "../../lib/api.js";
import { html } from "../../lib/html.js";
import { ago, count } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Badge, Empty, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";

export function Endpoints() {
  const { data, error, refresh } = usePolled(async (signal) => (await get("/endpoints", { signal })).endpoints, [], { every: 5000 });
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${5} />`}`;
  return html`<${ErrorNote} error=${error} retry=${refresh} />
    <${Table} label="Endpoints" rows=${data} rowKey=${(it) => it.name} columns=${COLUMNS} sort="-created" onOpen=${(it) => navigate("models", ["endpoints", it.name])}
      empty=${html`<${Empty} title="No endpoint yet" action=${html`<a class="button primary" href=${href("training", ["new"])}>Train a DeepAR model</a>`}>
        A training job of DeepAR on JSON Lines becomes an endpoint of its name. It forecasts any series that you send it, with intervals.<//>`} />`;
}

const COLUMNS = [
  { key: "name", label: "Endpoint", wide: true, value: (it) => it.name, cell: (it) => html`<a href=${href("models", ["endpoints", it.name])}>${it.name}</a>` },
  { key: "state", label: "State", value: (it) => it.status, cell: () => html`<${Badge} kind="good">in service<//>` },
  { key: "freq", label: "Step", value: (it) => it.time_freq },
  { key: "length", label: "Forecasts", number: true, value: (it) => it.prediction_length, cell: (it) => `${count(it.prediction_length)} steps` },
  { key: "likelihood", label: "Distribution", low: true, value: (it) => it.likelihood },
  { key: "size", label: "Network", low: true, value: (it) => `${it.num_layers} × ${it.num_cells} cells` },
  { key: "created", label: "Trained", low: true, value: (it) => it.created, cell: (it) => ago(it.created) },
];
