// One service: its address, its replicas, and a page to call it from (contract S-017).
import { pause } from "../../lib/api.js";
import { html, useEffect, useState } from "../../lib/html.js";
import { time } from "../../lib/format.js";
import { copy } from "../../lib/files.js";
import { useAsked, usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button, Choice, NumberField } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Badge, ErrorNote, Note, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { Asker } from "./asker.js";
import { answerOf, callService, deleteService, describeService, operateReplica, scaleService, serviceKind, variablesOf } from "./calls.js";

const LOOK_S = 0.4;

export function Service({ name }) {
  const settling = (found) => (found.podList.some((pod) => pod.status === "starting") ? 700 : 3000);
  const { data, error, refresh } = usePolled((signal) => describeService(name, signal), [name], { every: settling });
  if (!data) {
    return html`<div class="page-head"><h1>${name}</h1></div><${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${6} />`}`;
  }
  async function remove() {
    const text = "Its replicas end once they have answered what they have in hand. The model stays.";
    if (!(await confirm({ title: `Delete the service ${name}?`, text, action: "Delete the service" }))) return;
    if (await attempt(() => deleteService(name), { done: `${name} is deleted.` })) navigate("models", ["services"]);
  }
  return html`
    <div class="page-head"><h1>${name}</h1><${Badge} kind=${serviceKind(data.status)}>${data.status}<//><a class="button" href=${href("models", ["runs"], { add: "job", model: data.modelName })}>Add job</a><${Button} kind="danger" onClick=${remove}>Delete<//></div>
    <${ErrorNote} error=${error} retry=${refresh} />
    <div class="stack">
      <section class="card" aria-label="About the service">
        <dl class="facts">
          <div><dt>Address</dt><dd><code>${data.restfulUrl}</code> <button type="button" class="small" onClick=${() => copied(data.restfulUrl)}>Copy</button></dd></div>
          <div><dt>Model</dt><dd><a href=${href("models", ["uploaded", data.modelName])}>${data.modelName}</a></dd></div>
          <div><dt>Python</dt><dd>${data.serviceVersion}</dd></div>
          <div><dt>Deployed</dt><dd>${time(data.createTime)}</dd></div>
          ${data.cpuReserve !== null && html`<div><dt>Cores</dt><dd>${data.cpuReserve}</dd></div>`}
          ${data.memoryReserve !== null && html`<div><dt>Memory</dt><dd>${data.memoryReserve}</dd></div>`}
        </dl>
      </section>
      <${Replicas} name=${name} pods=${data.podList} refresh=${refresh} />
      <${Call} name=${name} model=${data.modelName} />
    </div>
  `;
}

async function copied(text) {
  if (await copy(text)) toast("The address is copied.");
  else toast("The browser does not let this page copy: mark the address.", { kind: "bad" });
}

function Replicas({ name, pods, refresh }) {
  const [count, setCount] = useState(String(pods.length));
  useEffect(() => setCount(String(pods.length)), [pods.length]);
  async function operate(pod, operation) {
    if (operation === "delete") {
      const last = pods.length === 1 ? " It is the last one: the service goes with it." : "";
      if (!(await confirm({ title: `Delete ${pod.name}?`, text: `The service has one replica less.${last}`, action: "Delete the replica" }))) return;
    }
    await attempt(() => operateReplica(pod.name, operation), { done: `${pod.name}: ${DONE[operation]}.` });
    if (operation === "delete" && pods.length === 1) navigate("models", ["services"]);
    await refresh();
  }
  async function scale(event) {
    event?.preventDefault();
    await attempt(() => scaleService(name, Number(count)), { done: `${name} gets ${count} replicas.` });
    await refresh();
  }
  const columns = [
    { key: "name", label: "Replica", wide: true, value: (pod) => pod.name },
    { key: "state", label: "State", value: (pod) => pod.status, cell: (pod) => html`<${Badge} kind=${serviceKind(pod.status)}>${pod.status}<//>` },
    {
      key: "do",
      label: "",
      sortable: false,
      cell: (pod) => html`<span class="tight">
        ${pod.status === "paused"
          ? html`<${Button} kind="small" aria-label="Start ${pod.name}" onClick=${() => operate(pod, "start")}>Start<//>`
          : html`<${Button} kind="small" aria-label="Pause ${pod.name}" onClick=${() => operate(pod, "pause")}>Pause<//>`}
        <${Button} kind="small danger" aria-label="Delete ${pod.name}" onClick=${() => operate(pod, "delete")}>Delete<//></span>`,
    },
  ];
  return html`<section class="card" aria-labelledby="replicas">
    <header><h2 id="replicas">Replicas</h2>
      <form class="row" onSubmit=${scale}>
        <div class="tiny"><${NumberField} label="Replicas wanted" hidden value=${count} onChange=${setCount} /></div>
        <${Button} kind="small" type="submit" disabled=${!/^\d+$/.test(count) || Number(count) === pods.length}>Scale<//>
      </form></header>
    ${pods.length
      ? html`<${Table} label="Replicas" rows=${pods} rowKey=${(pod) => pod.name} columns=${columns} height="320px" />`
      : html`<${Note} kind="warn">There is no replica: nobody answers until there are more. Scale the service.<//>`}
  </section>`;
}

const DONE = { pause: "paused", start: "started", delete: "deleted" };

/** Calls the deployed service as an outside caller would: waiting, or asking for the answer later (contract S-018). */
function Call({ name, model }) {
  const { data, error } = useAsked((signal) => variablesOf(model, signal), [model]);
  const [waits, setWaits] = useState("wait");
  async function send(values) {
    const made = await callService(name, values, waits === "wait");
    if (waits === "wait") return made;
    for (;;) {
      const found = await answerOf(name, made.requestId);
      if (found.state === "failed") throw new Error(found.message);
      if (found.state === "success") return found;
      await pause(LOOK_S);
    }
  }
  const options = [{ value: "wait", label: "Wait for the result" }, { value: "fast", label: "Fast return" }];
  return html`<section class="card" aria-labelledby="call-service">
    <header><h2 id="call-service">Call it</h2></header>
    <${ErrorNote} error=${error} title="The model's variables are not known." />
    ${data
      ? html`<${Asker} variables=${data.inputVariables} send=${send} extra=${html`<${Choice} label="When it answers" value=${waits} options=${options} onChange=${setWaits} />`} />`
      : !error && html`<${Skeleton} />`}
  </section>`;
}
