// Models that answer as services.
import { html } from "../../lib/html.js";
import { ago } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Badge, Empty, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { listServices, replicasOf, serviceKind } from "./calls.js";

export function Services() {
  const every = (found) => (found.some((each) => each.status === "starting") ? 1000 : 4000);
  const { data, error, refresh } = usePolled(listServices, [], { every });
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${5} />`}`;
  return html`<${ErrorNote} error=${error} retry=${refresh} />
    <${Table} label="Services" rows=${data} rowKey=${(it) => it.serviceName} columns=${COLUMNS} sort="-created" onOpen=${(it) => navigate("models", ["services", it.serviceName])}
      empty=${html`<${Empty} title="No service yet" action=${html`<a class="button primary" href=${href("models", ["uploaded"])}>Choose a model</a>`}>
        A service is a model with an address of its own, answered by one or more replicas. Open a model and deploy it.<//>`} />`;
}

const COLUMNS = [
  { key: "name", label: "Service", wide: true, value: (it) => it.serviceName, cell: (it) => html`<a href=${href("models", ["services", it.serviceName])}>${it.serviceName}</a>` },
  { key: "state", label: "State", value: (it) => it.status, cell: (it) => html`<${Badge} kind=${serviceKind(it.status)}>${it.status}<//>` },
  { key: "replicas", label: "Replicas running", number: true, value: (it) => it.podList.length, cell: replicasOf },
  { key: "model", label: "Model", low: true, value: (it) => it.modelName, cell: (it) => html`<a href=${href("models", ["uploaded", it.modelName])}>${it.modelName}</a>` },
  { key: "version", label: "Python", low: true, value: (it) => it.serviceVersion },
  { key: "created", label: "Deployed", low: true, value: (it) => it.createTime, cell: (it) => ago(it.createTime) },
];
