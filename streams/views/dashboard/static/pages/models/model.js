// An uploaded model: what it is, what it is asked, a test of it, and its way to a service.
import { html, useState } from "../../lib/html.js";
import { useAsked, usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button, NumberField, SelectField, TextField } from "../../ui/controls.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { attempt, Badge, ErrorNote, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { Asker } from "./asker.js";
import { deleteModel, deployService, describeModel, listServices, replicasOf, serviceKind, testModel, testModelByForm, variablesOf, whereServices } from "./calls.js";

export function Model({ name }) {
  const known = useAsked(async (signal) => {
    const [about, variables] = await Promise.all([describeModel(name, signal), variablesOf(name, signal)]);
    return { about, ...variables };
  }, [name]);
  const services = usePolled(listServices, [], { every: 4000 });
  const [deploys, setDeploys] = useState(false);
  const using = (services.data ?? []).filter((each) => each.modelName === name);
  if (!known.data) {
    return html`<div class="page-head"><h1>${name}</h1></div><${ErrorNote} error=${known.error} retry=${known.refresh} />${!known.error && html`<${Skeleton} lines=${6} />`}`;
  }
  const { about, inputVariables, targetVariables } = known.data;
  async function remove() {
    const used = using.length ? ` ${using.map((each) => each.serviceName).join(", ")} will answer no more.` : "";
    if (!(await confirm({ title: `Delete ${name}?`, text: `The model and its file are removed.${used}`, action: "Delete the model" }))) return;
    if (await attempt(() => deleteModel(name, using.length > 0), { done: `${name} is deleted.` })) navigate("models", ["uploaded"]);
  }
  return html`
    <div class="page-head">
      <h1>${name}</h1>
      <${Button} kind="primary" onClick=${() => setDeploys(true)}>Deploy as a service<//>
      <${Button} kind="danger" onClick=${remove}>Delete<//>
    </div>
    ${about.descript && html`<p class="quiet about">${about.descript}</p>`}
    <div class="stack">
      <section class="card" aria-label="About the model">
        <dl class="facts">
          <div><dt>Type</dt><dd>${about.modelType.toUpperCase()}</dd></div>
          <div><dt>Task</dt><dd>${about.task.replace("_", " ")}</dd></div>
          <div><dt>Algorithm</dt><dd>${about.algorithm}</dd></div>
          <div><dt>Engine</dt><dd>${about.modelEngine}</dd></div>
        </dl>
        ${using.length > 0 &&
        html`<p class="row after-facts"><span class="quiet">Services</span>
          ${using.map((each) => html`<a key=${each.serviceName} href=${href("models", ["services", each.serviceName])}>${each.serviceName}</a> <${Badge} kind=${serviceKind(each.status)}>${replicasOf(each)} running<//>`)}</p>`}
      </section>
      <section class="card" aria-labelledby="test-model">
        <header><h2 id="test-model">Test</h2></header>
        <${Asker} variables=${inputVariables} send=${(values) => testModel(name, about.modelType, values)} sendForm=${(form) => {
          form.append("modelName", name);
          return testModelByForm(form);
        }} />
      </section>
      <section class="card" aria-labelledby="variables">
        <header><h2 id="variables">Variables</h2></header>
        <${Table} label="Variables" columns=${COLUMNS} rowKey=${(it) => `${it.role} ${it.name}`} height="360px"
          rows=${[...inputVariables.map((it) => ({ ...it, role: "input" })), ...targetVariables.map((it) => ({ ...it, role: "output" }))]} />
      </section>
    </div>
    ${deploys && html`<${Deploy} model=${name} onClose=${() => setDeploys(false)} />`}
  `;
}

const COLUMNS = [
  { key: "name", label: "Name", value: (it) => it.name, cell: (it) => html`<code>${it.name}</code>` },
  { key: "role", label: "Is", value: (it) => it.role },
  { key: "type", label: "Type", value: (it) => it.type },
  { key: "more", label: "Values", wide: true, low: true, value: (it) => it.values?.join(", ") ?? it.shape?.map((size) => size ?? "any").join(" × ") ?? "" },
];

function Deploy({ model, onClose }) {
  const where = useAsked(whereServices, []);
  const [fields, setFields] = useState({ serviceName: model, replicas: "1", cpuReserve: "", memoryReserve: "", serverVersion: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const change = (changes) => setFields({ ...fields, ...changes });
  const versions = where.data?.serverVersions ?? [];
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const { serviceName, replicas, cpuReserve, memoryReserve, serverVersion } = fields;
    try {
      await deployService({
        modelName: model,
        serviceName: serviceName.trim(),
        serverVersion: serverVersion || versions[versions.length - 1],
        cpuReserve: quantity(cpuReserve),
        memoryReserve: quantity(memoryReserve),
        replicas: quantity(replicas) ?? 1,
      });
      toast(`${serviceName} is deployed.`, { kind: "good" });
      navigate("models", ["services", serviceName.trim()]);
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  }
  return html`<${Dialog} title="Deploy ${model}" onClose=${onClose}>
    <form onSubmit=${send}>
      <${TextField} label="Name of the service" value=${fields.serviceName} maxlength="64" onChange=${(serviceName) => change({ serviceName })} />
      <p class="hint">It answers at <code>${where.data?.restfulUrl ?? ""}${fields.serviceName}</code></p>
      <div class="fields">
        <${NumberField} label="Replicas" value=${fields.replicas} onChange=${(replicas) => change({ replicas })} />
        <${SelectField} label="Python version" value=${fields.serverVersion || versions[versions.length - 1]} options=${versions} onChange=${(serverVersion) => change({ serverVersion })} hint="Noted, not run." />
        <${NumberField} label="Cores" optional value=${fields.cpuReserve} onChange=${(cpuReserve) => change({ cpuReserve })} />
        <${TextField} label="Memory" optional value=${fields.memoryReserve} placeholder="512Mi" onChange=${(memoryReserve) => change({ memoryReserve })} />
      </div>
      <${ErrorNote} error=${where.error ?? error} />
      <footer><${Button} kind="primary" type="submit" busy=${busy} disabled=${!fields.serviceName.trim() || !versions.length}>Deploy<//></footer>
    </form>
  <//>`;
}

/** A number where it is one, a quantity such as 512Mi as it is, null where there is none. */
function quantity(text) {
  const plain = text.trim();
  if (!plain) return null;
  return Number.isFinite(Number(plain)) ? Number(plain) : plain;
}
