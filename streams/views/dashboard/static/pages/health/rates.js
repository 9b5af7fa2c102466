// What this worker does each second, from two looks at its figures; a few minutes of them are kept while the page is open.
import { get } from "../../lib/api.js";
import { html, useRef } from "../../lib/html.js";
import { bytes, count, duration } from "../../lib/format.js";
import { usePolled } from "../../lib/live.js";
import { parsed, quantile, sum } from "../../lib/prometheus.js";
import { Badge, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Spark } from "../../ui/spark.js";

const LOOK_MS = 4000;
const KEPT = 60;
const REQUESTS = "tidecast_http_request_seconds";

/** What is shown: `read(before, after, seconds)` is the number, `words` how it is written, `bad` when it is a fault. */
const FIGURES = [
  { label: "Requests", words: perSecond, read: rateOf(`${REQUESTS}_count`) },
  { label: "Half answered within", words: shortTime, read: (before, after) => quantile(before, after, REQUESTS, 0.5) },
  { label: "95 % answered within", words: shortTime, read: (before, after) => quantile(before, after, REQUESTS, 0.95) },
  { label: "Failed requests", words: perSecond, read: rateOf(`${REQUESTS}_count`, ({ status }) => status >= "500"), bad: (value) => value > 0 },
  { label: "Events consumed", words: perSecond, read: rateOf("tidecast_events_total") },
  { label: "Records sent", words: perSecond, read: rateOf("tidecast_records_sent_total") },
  { label: "Writes waiting", words: count, read: (_, after) => sum(after, "tidecast_writes_waiting") },
  { label: "Rows in tables", words: count, read: (_, after) => sum(after, "tidecast_table_rows") },
  { label: "CPU", words: (value) => `${Math.round(value * 100)} %`, read: rateOf("process_cpu_seconds_total") },
  { label: "Memory", words: bytes, read: (_, after) => sum(after, "process_resident_memory_bytes") },
];

export function Rates() {
  const before = useRef(null);
  const kept = useRef([]);
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const at = performance.now();
      const after = parsed(await get("/metrics", { signal }));
      const last = before.current;
      before.current = { at, samples: after };
      const seconds = last ? (at - last.at) / 1000 : 0;
      const values = FIGURES.map(({ read }) => (last ? read(last.samples, after, seconds) : read(null, after, 0)));
      if (last) kept.current = [...kept.current, values].slice(-KEPT);
      return { values, started: sum(after, "process_start_time_seconds"), at };
    },
    [],
    { every: LOOK_MS },
  );
  if (!data) return html`<section class="card" aria-label="Now"><${ErrorNote} error=${error} retry=${refresh} title="The figures are not known." />${!error && html`<${Skeleton} />`}</section>`;
  return html`<section class="card" aria-labelledby="rates">
    <header><h2 id="rates">Now</h2><span class="quiet">the worker that answers this page, up for ${duration(Date.now() / 1000 - data.started)}</span></header>
    <${ErrorNote} error=${error} retry=${refresh} />
    <dl class="figures">
      ${FIGURES.map(({ label, words, bad }, at) => {
        const value = data.values[at];
        return html`<div key=${label}>
          <dt>${label}</dt>
          <dd class="figure">${value === null || !Number.isFinite(value) ? "–" : words(value)} ${bad?.(value) && html`<${Badge} kind="bad">failing<//>`}</dd>
          <${Spark} values=${kept.current.map((values) => values[at])} />
        </div>`;
      })}
    </dl>
  </section>`;
}

/** How much a counter has grown in a second; a process that began anew counts from zero. */
function rateOf(name, fits) {
  return (before, after, seconds) => {
    if (!before || !(seconds > 0)) return null;
    const [was, is] = [sum(before, name, fits) ?? 0, sum(after, name, fits) ?? 0];
    return (is >= was ? is - was : is) / seconds;
  };
}

/** These are looked at, not computed with: a digit behind the point where the number is small. */
function rounded(value) {
  return value >= 10 ? count(value) : String(Math.round(value * 10) / 10);
}

function perSecond(value) {
  return `${rounded(value)} /s`;
}

function shortTime(seconds) {
  return seconds < 1 ? `${rounded(seconds * 1000)} ms` : duration(seconds);
}
