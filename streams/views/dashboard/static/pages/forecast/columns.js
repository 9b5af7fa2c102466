// A data set: how it was read, its first rows, and what each column is.
import { get, path, post, put } from "../../lib/api.js";
import { count } from "../../lib/format.js";
import { html, useEffect, useRef, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { href, navigate } from "../../lib/router.js";
import { Button, Choice, TextField } from "../../ui/controls.js";
import { ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { guessColumns } from "./guess.js";
import { placesOf, stacked } from "./wide.js";

const ROLES = [
  { value: "", label: "not used" },
  { value: "time", label: "Time" },
  { value: "value", label: "Value" },
  { value: "group", label: "Group" },
];
const WIDE_ROLES = ROLES.map((role) => (role.value === "value" ? { value: "series", label: "Series" } : role));
const LAYOUTS = [
  { value: "long", label: "One column has the values" },
  { value: "wide", label: "Each column is a series" },
];
const TOLD = {
  long: "One is the time, one the value to forecast. Groups tell series apart: each combination of their values becomes one. What is not used can be a feature later.",
  wide: "One is the time. Each column that is a series is forecast, and called by its name. What is not used can be a feature later.",
};

export function Columns({ dataId, jobId }) {
  const set = useAsked((signal) => get(path`/data/${dataId}/`, { signal }), [dataId]);
  if (set.error) return html`<${ErrorNote} error=${set.error} retry=${set.refresh} />`;
  if (!set.data) return html`<${Skeleton} lines=${8} />`;
  return html`<${Chooser} preview=${set.data} jobId=${jobId} />`;
}

function Chooser({ preview, jobId }) {
  const { data, header, heads, warnings } = preview;
  const [guess] = useState(() => guessColumns(header, heads));
  // A data set that was made of a wide file, or that a job has, stays as it is.
  const canBeWide = jobId === undefined && !data.dialect.series_columns && header.length > 2;
  const [layout, setLayout] = useState(canBeWide && guess.wide ? "wide" : "long");
  const [roles, setRoles] = useState(() => rolesOf(header, guess, layout));
  const made = useRef({});
  const [more, setMore] = useState({ freq: "", time_zone: "", timestamp_format: "" });
  const [error, setError] = useState(null);
  const times = indices(roles, "time");
  const values = indices(roles, "value");
  const groups = indices(roles, "group");
  const series = indices(roles, "series");
  const missing = missingOf(layout, times, values, series);
  useEffect(() => setError(null), [roles, more]);

  function choose(index, role) {
    const next = { ...roles, [index]: role };
    if (role === "time" || role === "value") {
      for (const other of Object.keys(next)) if (Number(other) !== index && next[other] === role) next[other] = "";
    }
    setRoles(next);
  }

  function lay(next) {
    setLayout(next);
    setRoles(rolesOf(header, guess, next));
  }

  /** The data set to split, and its columns; of a wide file it is made once, however often one tries. */
  async function source() {
    if (layout === "long") return { dataId: data.id, columns: { timestamp_indexs: times, target_indexs: values, groupby_indexs: groups } };
    const key = series.join();
    made.current[key] ??= await stacked(data, series);
    const places = placesOf(header, series);
    return {
      dataId: made.current[key],
      columns: { timestamp_indexs: times.map(places.of), target_indexs: [places.value], groupby_indexs: [...groups.map(places.of), places.series] },
    };
  }

  async function split() {
    setError(null);
    try {
      const { dataId, columns: body } = await source();
      for (const [name, value] of Object.entries(more)) if (value.trim()) body[name] = value.trim();
      const id = jobId ?? (await post("/job/", { data_id: dataId, name: data.name })).job_id;
      await put(path`/job/${id}/`, body);
      navigate("forecast", ["job", id]);
    } catch (failed) {
      setError(failed);
    }
  }
  const set = (name) => (value) => setMore({ ...more, [name]: value });
  return html`
    <div class="page-head">
      <h1>${data.name}</h1>
      <a href=${href("forecast")}>Other data</a>
    </div>
    <div class="stack">
      <section class="card" aria-label="How the file was read">
        <${Dialect} data=${data} />
        ${warnings?.length > 0 && html`<${Note} kind="warn">${warnings.length === 1 ? warnings[0] : html`<ul>${warnings.map((each) => html`<li key=${each}>${each}</li>`)}</ul>`}<//>`}
      </section>
      <section class="card">
        <header><h2>What is in the columns?</h2></header>
        ${canBeWide && html`<${Choice} label="How the file is laid out" value=${layout} options=${LAYOUTS} onChange=${lay} />`}
        <p class="quiet">${TOLD[layout]}</p>
        <div class="table-box preview" tabindex="0" role="region" aria-label="First rows, scrolls">
          <table aria-label="First rows">
            <thead>
              <tr>${header.map(({ index, label }) => html`<th key=${index} scope="col" class=${roles[index] ? "used" : ""}>
                <span class="cut" title=${label}>${label || `column ${index + 1}`}</span>
                <select aria-label="What is ${label || `column ${index + 1}`}" value=${roles[index]} onChange=${(event) => choose(index, event.target.value)}>
                  ${(layout === "wide" ? WIDE_ROLES : ROLES).map((role) => html`<option key=${role.value} value=${role.value} selected=${roles[index] === role.value}>${role.label}</option>`)}
                </select>
              </th>`)}</tr>
            </thead>
            <tbody>${rowsOf(header, heads).map((row, at) => html`<tr key=${at}>${row.map((cell, column) => html`<td key=${column} class="${typeof cell === "number" ? "number" : ""} ${roles[header[column].index] ? "" : "quiet"}">${cell === null ? html`<span class="quiet">empty</span>` : String(cell)}</td>`)}</tr>`)}</tbody>
          </table>
        </div>
        <details class="more"><summary>Frequency, time zone, form of times</summary>
          <div class="fields">
            <${TextField} label="Frequency" placeholder="found in the data" value=${more.freq} onChange=${set("freq")} hint="Such as D, h, 15min, B, W-SUN, MS." />
            <${TextField} label="Time zone" placeholder="that of the file" value=${more.time_zone} onChange=${set("time_zone")} hint="Such as Europe/Berlin: hours that it repeats or leaves out are then right." />
            <${TextField} label="Form of times" placeholder="found out" value=${more.timestamp_format} onChange=${set("timestamp_format")} hint="Such as %d.%m.%y, day first, unix ms." />
          </div>
        </details>
        <${ErrorNote} error=${error} />
        <div class="row end">
          <span class="quiet" role="status">${missing || toldOf(layout, groups, series)}</span>
          <${Button} kind="primary" disabled=${missing !== ""} onClick=${split}>Make the series<//>
        </div>
      </section>
    </div>
  `;
}

function rolesOf(header, { timestamp, target, groupby, numbers }, layout) {
  const role = (index) => {
    if (index === timestamp) return "time";
    if (layout === "wide" && numbers.includes(index)) return "series";
    if (layout === "long" && index === target) return "value";
    return groupby.includes(index) ? "group" : "";
  };
  return Object.fromEntries(header.map(({ index }) => [index, role(index)]));
}

function missingOf(layout, times, values, series) {
  if (times.length !== 1) return "Choose one column as time.";
  if (layout === "wide") return series.length ? "" : "Choose the columns that are series.";
  return values.length === 1 ? "" : "Choose one column as value.";
}

function toldOf(layout, groups, series) {
  if (layout === "wide") return `${count(series.length)} series${groups.length ? " for each group" : ""}; they become a data set of their own, with a row for each value.`;
  return groups.length ? "" : "Without a group there is one series.";
}

const indices = (roles, role) => Object.keys(roles).filter((index) => roles[index] === role).map(Number);

function rowsOf(header, heads) {
  const length = Math.max(0, ...header.map(({ label }) => heads[label]?.length ?? 0));
  return Array.from({ length }, (_, at) => header.map(({ label }) => heads[label]?.[at] ?? null));
}

const SIGNS = { "\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", " ": "space", ".": "point", "'": "apostrophe" };

function Dialect({ data }) {
  const { dialect } = data;
  const sign = (value) => SIGNS[value] ?? value;
  const facts = [
    ["Rows", count(data.rows)],
    ["Encoding", dialect.encoding],
    ["Delimiter", sign(dialect.delimiter)],
    ["Decimal sign", sign(dialect.decimal)],
    dialect.thousands && ["Thousands", sign(dialect.thousands)],
    dialect.skipped_lines > 0 && ["Lines above the header", dialect.skipped_lines],
    dialect.compression && ["Packed", dialect.compression],
    dialect.sheet && ["Sheet", dialect.sheet],
    dialect.series_columns && ["Columns that are series", count(dialect.series_columns.length)],
    dialect.timestamp_format && ["Times", dialect.timestamp_format],
  ].filter(Boolean);
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
