// Where it begins: a file that is dropped or chosen, or a data set that is there already.
import { del, get, path, request } from "../../lib/api.js";
import { ago, count } from "../../lib/format.js";
import { html, useRef, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button, SelectField, TextField } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Empty, ErrorNote, Progress, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";

export function Start() {
  const sets = useAsked((signal) => get("/data/", { signal }), []);
  async function remove(set) {
    const agreed = await confirm({ title: `Remove ${set.name}?`, text: "The file is removed. Jobs keep the series that they made of it.", action: "Remove" });
    if (!agreed) return;
    await attempt(() => del(path`/data/${set.id}/`), { done: `${set.name} is removed` });
    await sets.refresh();
  }
  const columns = [
    { key: "name", label: "Data set", value: (it) => it.name, cell: (it) => html`<a href=${href("forecast", ["data", it.id])}>${it.name}</a>` },
    { key: "rows", label: "Rows", number: true, value: (it) => it.rows, cell: (it) => count(it.rows) },
    { key: "file", label: "File", low: true, value: (it) => it.upload, cell: (it) => html`<a href=${it.upload} download>${it.upload.split("/").pop()}</a>` },
    { key: "created", label: "Uploaded", low: true, value: (it) => it.time_created, cell: (it) => ago(it.time_created) },
    { key: "do", label: "Actions", sortable: false, number: true, cell: (it) => html`<${Button} kind="small" aria-label="Remove ${it.name}" onClick=${() => remove(it)}>Remove<//>` },
  ];
  return html`
    <div class="page-head"><h1>Forecast</h1><a href=${href("jobs", [], { system: "forecasting" })}>Forecasting jobs</a></div>
    <div class="stack">
      <${Upload} />
      <section aria-labelledby="sets">
        <h2 id="sets" class="section-head">Or take a data set that is there</h2>
        <${ErrorNote} error=${sets.error} retry=${sets.refresh} />
        ${sets.data
          ? html`<${Table} label="Data sets" columns=${columns} rows=${sets.data.data} rowKey=${(it) => it.id} sort="-created" onOpen=${(it) => navigate("forecast", ["data", it.id])}
              empty=${html`<${Empty} title="No data set yet">Drop a file above. It needs a header line, a column of times and a column of values; further columns can tell series apart.<//>`} />`
          : !sets.error && html`<${Skeleton} lines=${3} />`}
      </section>
    </div>
  `;
}

const NOTHING = { encoding: "", delimiter: "", quote: "", decimal: "", thousands: "", skipped_lines: "", timestamp_format: "", sheet: "", series_columns: "" };

function Upload() {
  const [file, setFile] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [more, setMore] = useState(NOTHING);
  const chooser = useRef(null);
  async function send(chosen) {
    setFile(chosen);
    setError(null);
    setBusy(true);
    const form = new FormData();
    form.append("upload", chosen, chosen.name);
    for (const [name, value] of Object.entries(more)) if (value) form.append(name, value);
    try {
      const { data } = await request("POST", "/data/", { form });
      navigate("forecast", ["data", data.id]);
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  }
  function dropped(event) {
    event.preventDefault();
    setOver(false);
    const [first] = event.dataTransfer?.files ?? [];
    if (first) send(first);
  }
  const set = (name) => (value) => setMore({ ...more, [name]: value });
  return html`<section class="card" aria-label="Upload a file">
    <div class="drop ${over ? "over" : ""}" onDragOver=${(event) => {
      event.preventDefault();
      setOver(true);
    }} onDragLeave=${() => setOver(false)} onDrop=${dropped}>
      <p><strong>Drop a CSV, Excel, Parquet or Arrow file here</strong></p>
      <p class="quiet">Any delimiter, encoding and date form; plain, gzipped or zipped; one column of values, or a column for each series. What was found is shown next.</p>
      <input type="file" ref=${chooser} class="visually-hidden" tabindex="-1" aria-label="File" accept=".csv,.tsv,.txt,.gz,.zip,.parquet,.arrow,.feather,.xlsx,text/csv" onChange=${(event) => event.target.files[0] && send(event.target.files[0])} />
      <${Button} kind="primary" busy=${busy} onClick=${() => chooser.current.click()}>Choose a file<//>
      ${busy && html`<${Progress} label="Uploading ${file.name}" />`}
    </div>
    <${ErrorNote} error=${error} title="The file was not taken." retry=${file && (() => send(file))} />
    <details class="more"><summary>Say how the file is written</summary>
      <div class="fields">
        <${SelectField} label="Delimiter" value=${more.delimiter} onChange=${set("delimiter")} options=${[FOUND, "comma", "semicolon", "tab", "pipe"]} />
        <${SelectField} label="Decimal sign" value=${more.decimal} onChange=${set("decimal")} options=${[FOUND, { value: ".", label: "point" }, { value: ",", label: "comma" }]} />
        <${TextField} label="Encoding" placeholder="found out" value=${more.encoding} onChange=${set("encoding")} hint="Such as utf-8, windows-1252, gbk." />
        <${TextField} label="Thousands" placeholder="found out" value=${more.thousands} onChange=${set("thousands")} hint="A comma, a point, an apostrophe, space, or none." />
        <${TextField} label="Lines above the header" placeholder="found out" value=${more.skipped_lines} onChange=${set("skipped_lines")} />
        <${TextField} label="Form of times" placeholder="found out" value=${more.timestamp_format} onChange=${set("timestamp_format")} hint="Such as %d.%m.%y, day first, unix." />
        <${TextField} label="Sheet" placeholder="the first with a table" value=${more.sheet} onChange=${set("sheet")} hint="Of an Excel workbook." />
        <${SelectField} label="Columns that are series" value=${more.series_columns} onChange=${set("series_columns")} options=${SERIES} hint="A file with more than 2,000 columns can only be read so." />
      </div>
    </details>
  </section>`;
}

const SERIES = [{ value: "", label: "chosen next" }, { value: "all", label: "all but the first" }];
const FOUND = { value: "", label: "found out" };
