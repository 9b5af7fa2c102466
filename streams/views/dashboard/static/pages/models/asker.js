// Asking a model: by a form made from its variables, whose items are texts or files, or by JSON; and what it answers.
import { html, useMemo, useState } from "../../lib/html.js";
import { number } from "../../lib/format.js";
import { save } from "../../lib/files.js";
import { AreaField, Button, Choice, Field, SelectField, TextField } from "../../ui/controls.js";
import { announce, Empty, ErrorNote } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";

const FORM = { value: "form", label: "Form" };
const JSON_TEXT = { value: "json", label: "JSON" };
const RECORDS = { value: "file", label: "File of records" };

/** `send(values)` asks by JSON; `sendForm(form)`, where there is one, by a form with files. `extra` is shown beside the button. */
export function Asker({ variables, send, sendForm, extra }) {
  const [way, setWay] = useState("form");
  const [items, setItems] = useState({});
  const [text, setText] = useState(() => JSON.stringify(exampleOf(variables), null, 2));
  const [file, setFile] = useState(null);
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const change = (name, item) => setItems({ ...items, [name]: { ...items[name], ...item } });

  async function ask(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const found = await asked();
      setAnswer(found);
      announce(`${found.result?.length ?? 0} answers`);
    } catch (thrown) {
      setError(thrown);
      setAnswer(null);
    } finally {
      setBusy(false);
    }
  }

  function asked() {
    if (way === "json") return send(parsed(text));
    if (!sendForm) return send({ X: way === "form" ? recordOf(variables, items) : parsed(text) });
    const form = new FormData();
    if (way === "file") form.append("X", file, file.name);
    else {
      for (const { name } of variables) {
        const item = items[name] ?? {};
        if (item.byFile ? item.file : item.text) form.append(name, item.byFile ? item.file : item.text);
      }
    }
    return sendForm(form);
  }

  const ways = sendForm ? [FORM, JSON_TEXT, RECORDS] : [FORM, JSON_TEXT];
  return html`<form class="stack" onSubmit=${ask} novalidate>
    <${Choice} label="How it is asked" value=${way} options=${ways} onChange=${setWay} />
    ${way === "form" &&
    html`<div class="fields">${variables.map((it) => html`<${Item} key=${it.name} about=${it} item=${items[it.name] ?? {}} files=${Boolean(sendForm)} onChange=${(item) => change(it.name, item)} />`)}</div>`}
    ${way === "json" && html`<${AreaField} label="Records" value=${text} onChange=${setText} rows=${8} hint="X has a record, an array of records, or of each variable the values of all." />`}
    ${way === "file" &&
    html`<${Field} label="File" hint="CSV with the variables as columns, or JSON.">${(given) => html`<input type="file" ...${given} accept=".csv,.json" onChange=${(event) => setFile(event.target.files[0] ?? null)} />`}<//>`}
    <div class="row"><${Button} kind="primary" type="submit" busy=${busy} disabled=${way === "file" && !file}>Ask<//>${extra}</div>
    <${ErrorNote} error=${error} />
    <div aria-live="polite">${answer && html`<${Answer} answer=${answer} />`}</div>
  </form>`;
}

/** One variable: a choice where its values are known, else a text, or a file. */
function Item({ about, item, files, onChange }) {
  const { name, type, values, shape } = about;
  const hint = shape ? `${type}, ${shape.map((size) => size ?? "any").join(" × ")}; JSON` : type;
  const byFile = files && item.byFile;
  const toggle = files && html`<button type="button" class="plain small" onClick=${() => onChange({ byFile: !byFile })}>${byFile ? "As text" : "As file"}<span class="visually-hidden">, ${name}</span></button>`;
  let control;
  if (byFile) control = html`<${Field} label=${name} hint=${hint}>${(given) => html`<input type="file" ...${given} onChange=${(event) => onChange({ file: event.target.files[0] ?? null })} />`}<//>`;
  else if (values?.length) control = html`<${SelectField} label=${name} hint=${hint} value=${item.text ?? ""} options=${["", ...values]} onChange=${(text) => onChange({ text })} />`;
  else control = html`<${TextField} label=${name} hint=${hint} value=${item.text ?? ""} onChange=${(text) => onChange({ text })} placeholder=${shape ? "[[1.5, 2]]" : ""} />`;
  return html`<div class="item">${control}${toggle}</div>`;
}

/** The record that a form has, each value as JSON where it is that, else as its text. */
function recordOf(variables, items) {
  const record = {};
  let tensors = false;
  for (const { name, shape } of variables) {
    const text = items[name]?.text?.trim();
    tensors ||= Boolean(shape);
    if (text) record[name] = valueOf(text);
  }
  return tensors ? record : [record];
}

function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
}

/** Something to begin with: one record of zeros, or tensors of ones. */
function exampleOf(variables) {
  const record = Object.fromEntries(variables.map((it) => [it.name, it.shape ? filled(it.shape.map((size) => size ?? 1)) : it.values?.[0] ?? (/string|text/i.test(it.type) ? "" : 0)]));
  return { X: variables.some((it) => it.shape) ? record : [record] };
}

const filled = ([size, ...rest]) => Array.from({ length: Math.min(size ?? 1, 64) }, () => (rest.length ? filled(rest) : 0));

/** One row for each record; of a classification how sure it is. */
function Answer({ answer }) {
  const rows = useMemo(() => (answer.result ?? []).map((value, at) => ({ at, value })), [answer]);
  if (!rows.length) return html`<${Empty} title="No answer">The model was given no record.<//>`;
  return html`<div class="stack answer">
    <div class="row"><strong class="grow">${(answer.task ?? "").replace("_", " ")}</strong>
      <button type="button" class="small" onClick=${() => save("answers.json", JSON.stringify(answer.result, null, 2), "application/json")}>Download JSON</button></div>
    ${rows.length === 1 && rows[0].value.probabilities ? html`<${Probabilities} label=${rows[0].value.label} of=${rows[0].value.probabilities} />` : null}
    <${Table} label="Answers" rows=${rows} rowKey=${(row) => row.at} columns=${columnsOf(rows[0].value)} height="360px" />
  </div>`;
}

function Probabilities({ label, of }) {
  return html`<dl class="bars" aria-label="Probabilities">
    ${Object.entries(of).sort(([, a], [, b]) => b - a).slice(0, 12).map(
      ([name, share]) => html`<div key=${name} class=${String(name) === String(label) ? "on" : ""}><dt>${name}</dt><dd><meter min="0" max="1" value=${share}>${share}</meter><span class="figure">${(share * 100).toFixed(1)} %</span></dd></div>`,
    )}
  </dl>`;
}

function columnsOf(first) {
  const record = { key: "at", label: "Record", number: true, value: (row) => row.at + 1 };
  const rest = Object.keys(first ?? {}).filter((name) => name !== "probabilities").map((name) => ({ key: name, label: name, value: (row) => plain(row.value[name]) }));
  const sure = first?.probabilities ? [{ key: "sure", label: "Probability", number: true, value: (row) => row.value.probabilities?.[row.value.label] ?? null, cell: (row) => number(row.value.probabilities?.[row.value.label]) }] : [];
  return [record, ...rest, ...sure];
}

function plain(value) {
  if (typeof value === "number") return number(value);
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
