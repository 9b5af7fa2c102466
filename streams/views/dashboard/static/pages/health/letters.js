// Dead letters: what could not be read or applied, why, and its way back.
import { get, path, post } from "../../lib/api.js";
import { html, useMemo, useState } from "../../lib/html.js";
import { bytes, count, counted, time } from "../../lib/format.js";
import { useAsked, usePolled } from "../../lib/live.js";
import { setQuery } from "../../lib/router.js";
import { Button, Search } from "../../ui/controls.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { attempt, Badge, Empty, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";

const LISTED = 500;
const LOOK_MS = 15_000;

/** Those of all topics; `only`, such as `{ key: 7 }`, asks for those of one thing. */
export function Letters({ query, only = {} }) {
  const { data, error, refresh } = usePolled((signal) => get("/dead-letters", { query: { limit: LISTED, ...only }, signal }), [JSON.stringify(only)], { every: LOOK_MS });
  const [shown, setShown] = useState(null);
  const search = (query.letters ?? "").toLowerCase();
  const letters = data?.dead_letters ?? [];
  const found = useMemo(() => letters.filter((it) => `${it.topic} ${it.key} ${it.error} ${it.error_class}`.toLowerCase().includes(search)), [letters, search]);
  const columns = useMemo(() => columnsOf(setShown), []);
  return html`<section class="card" aria-labelledby="letters">
    <header><h2 id="letters">Dead letters</h2>
      ${letters.length > 0 && html`<${Search} label="Search dead letters" value=${query.letters ?? ""} onChange=${(text) => setQuery({ letters: text })} />`}</header>
    <${ErrorNote} error=${error} retry=${refresh} />
    ${!data
      ? !error && html`<${Skeleton} />`
      : letters.length
        ? html`<${Table} label="Dead letters" rows=${found} rowKey=${(it) => it.id} columns=${columns} sort="-time" height="420px" onOpen=${(it) => setShown(it.id)} empty=${html`<${Empty} title="No dead letter fits">Search for a topic, a key, or a part of the reason.<//>`} />
            <p class="hint">${counted(data.total_count, "dead letter")}${data.total_count > letters.length ? `, the newest ${count(letters.length)} are listed` : ""}.</p>`
        : html`<p><${Badge} kind="good">None<//> <span class="quiet">Every event could be read and applied.</span></p>`}
    ${shown && html`<${Letter} id=${shown} onClose=${() => setShown(null)} onDone=${refresh} />`}
  </section>`;
}

const columnsOf = (open) => [
  { key: "id", label: "Letter", value: (it) => it.id, cell: (it) => html`<button type="button" class="link" onClick=${() => open(it.id)}>${it.id}</button>` },
  { key: "time", label: "Time", value: (it) => it.time, cell: (it) => time(it.time) },
  { key: "topic", label: "Came from", low: true, value: (it) => it.topic },
  { key: "key", label: "Key", low: true, value: (it) => it.key },
  { key: "error", label: "Why", wide: true, value: (it) => it.error, cell: (it) => html`<span title=${it.error}>${it.error}</span>` },
];

function Letter({ id, onClose, onDone }) {
  const { data, error, refresh } = useAsked((signal) => get(path`/dead-letters/${id}`, { signal }), [id]);
  async function requeue() {
    const text = "It goes, byte for byte, to the topic that it came from. Do so after the cause is mended: what still cannot be applied comes back here.";
    if (!(await confirm({ title: `Send ${id} again?`, text, action: "Send it again", danger: false }))) return;
    const done = await attempt(() => post(path`/dead-letters/${id}/requeue`), { done: `${id} is sent again.` });
    if (done) {
      onClose();
      await onDone();
    }
  }
  return html`<${Dialog} title="Dead letter ${id}" wide onClose=${onClose}>
    <${ErrorNote} error=${error} retry=${refresh} />
    ${!data
      ? !error && html`<${Skeleton} />`
      : html`<div class="stack">
          <${Note} kind="bad">${data.error} <code class="quiet">${data.error_class}</code><//>
          <dl class="facts">
            <div><dt>Came from</dt><dd>${data.topic}</dd></div>
            <div><dt>Key</dt><dd><code>${data.key || "none"}</code></dd></div>
            <div><dt>Kept</dt><dd>${time(data.time)}</dd></div>
            <div><dt>Size</dt><dd>${bytes(data.size)}</dd></div>
            ${data.event_type && html`<div><dt>Event</dt><dd><code>${data.event_type}</code></dd></div>`}
          </dl>
          ${data.event ? html`<pre class="code" tabindex="0" aria-label="The event">${JSON.stringify(data.event, null, 2)}</pre>` : html`<p class="quiet">The event is not shown: ${data.problem}</p>`}
        </div>`}
    <footer><${Button} kind="primary" disabled=${!data} onClick=${requeue}>Send it again<//></footer>
  <//>`;
}
