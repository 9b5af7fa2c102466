// The models that people have uploaded.
import { html, useMemo, useRef, useState } from "../../lib/html.js";
import { ago, bytes } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button, Field, SelectField, TextField } from "../../ui/controls.js";
import { Dialog } from "../../ui/dialog.js";
import { Empty, ErrorNote, Skeleton, toast } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { listModels, uploadModel } from "./calls.js";

const TASKS = { "": "As the file says", classification: "Classification", regression: "Regression", clustering: "Clustering", dimension_reduction: "Dimension reduction" };

export function Models() {
  const { data, error, refresh } = usePolled(listModels, [], { every: 5000 });
  const [adds, setAdds] = useState(null);
  const columns = useMemo(() => COLUMNS, []);
  const open = html`<${Button} kind="primary" onClick=${() => setAdds({})}>Upload a model<//>`;
  function dropped(event) {
    event.preventDefault();
    const file = event.dataTransfer?.files?.[0];
    if (file) setAdds({ file });
  }
  if (!data) return html`<${ErrorNote} error=${error} retry=${refresh} />${!error && html`<${Skeleton} lines=${5} />`}`;
  return html`<div class="stack" onDragOver=${(event) => event.preventDefault()} onDrop=${dropped}>
    <${ErrorNote} error=${error} retry=${refresh} />
    ${data.length > 0 && html`<div class="row end">${open}</div>`}
    <${Table} label="Uploaded models" rows=${data} rowKey=${(it) => it.name} columns=${columns} sort="-created" onOpen=${(it) => navigate("models", ["uploaded", it.name])}
      empty=${html`<${Empty} title="No model yet" action=${open}>Drop a PMML or ONNX file here. It is read and tried before it is kept; then it can be tested, deployed as a service, and run over data sets.<//>`} />
    ${adds && html`<${Upload} file=${adds.file} onClose=${() => setAdds(null)} onDone=${refresh} />`}
  </div>`;
}

const COLUMNS = [
  { key: "name", label: "Name", wide: true, value: (it) => it.name, cell: (it) => html`<a href=${href("models", ["uploaded", it.name])}>${it.name}</a>` },
  { key: "type", label: "Type", value: (it) => it.type.toUpperCase() },
  { key: "task", label: "Task", low: true, value: (it) => TASKS[it.task] ?? it.task },
  { key: "algorithm", label: "Algorithm", low: true, value: (it) => it.algorithm },
  { key: "size", label: "Size", number: true, low: true, value: (it) => it.size, cell: (it) => bytes(it.size) },
  { key: "created", label: "Uploaded", value: (it) => it.createTime, cell: (it) => ago(it.createTime) },
];

function Upload({ file: given, onClose, onDone }) {
  const [file, setFile] = useState(given ?? null);
  const [name, setName] = useState(given ? nameOf(given) : "");
  const [about, setAbout] = useState("");
  const [task, setTask] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const named = useRef(false);
  function chosen(next) {
    setFile(next);
    if (next && !named.current) setName(nameOf(next));
  }
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const form = new FormData();
    form.append("name", name.trim());
    form.append("descript", about);
    if (task) form.append("task", task);
    form.append("file", file);
    try {
      const made = await uploadModel(form);
      toast(`${made.modelName} is kept: it was read, loaded and has answered a record.`, { kind: "good" });
      onClose();
      await onDone();
      navigate("models", ["uploaded", made.modelName]);
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  }
  return html`<${Dialog} title="Upload a model" onClose=${onClose}>
    <form onSubmit=${send}>
      <${Field} label="File" hint=${file ? `${file.name}, ${bytes(file.size)}` : "PMML or ONNX."}>
        ${(attributes) => html`<input type="file" ...${attributes} accept=".pmml,.xml,.onnx" onChange=${(event) => chosen(event.target.files[0] ?? null)} />`}<//>
      <${TextField} label="Name" value=${name} maxlength="64" hint="Letters, digits and _ . -" onChange=${(text) => {
        named.current = true;
        setName(text);
      }} />
      <${TextField} label="Description" optional value=${about} onChange=${setAbout} />
      <${SelectField} label="Task" value=${task} onChange=${setTask} options=${Object.entries(TASKS).map(([value, label]) => ({ value, label }))} />
      <${ErrorNote} error=${error} />
      <footer><${Button} kind="primary" type="submit" busy=${busy} disabled=${!file || !name.trim()}>Upload<//></footer>
    </form>
  <//>`;
}

const nameOf = (file) => file.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64);
