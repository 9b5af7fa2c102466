// A chart for each metric, with the lines of several workloads and sources over one another, while they come.
import { get, path, request } from "../../lib/api.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../../lib/html.js";
import { useEvents } from "../../lib/live.js";
import { save } from "../../lib/files.js";
import { setQuery } from "../../lib/router.js";
import { count, counted } from "../../lib/format.js";
import { Chart } from "../../ui/chart.js";
import { Button, Check, Choice, Search } from "../../ui/controls.js";
import { attempt, Empty, ErrorNote, Note, Skeleton } from "../../ui/feedback.js";
import { AXES, joined, Lines, positive, smoothed, uncomputed } from "./points.js";

const MOST_POINTS = 2000; // of a line: more than a chart has pixels
const AGAIN = 20_000; // points that came live, after which all are asked for again, thinned
const LOOK_MS = 4000;
const FIRST_CHARTS = 12;
const NEAR_PX = 600; // below the window: of a thousand charts those are drawn that somebody comes to

/** `workloads`: `{ uid, label, live }`. What is chosen (axis, smoothing, scale, sources) is in the page's address. */
export function Charts({ workloads, query }) {
  const kept = useRef(new Map());
  const [version, setVersion] = useState(0);
  const [errors, setErrors] = useState({}); // by workload: what one gets must not hide what another does not
  const [all, setAll] = useState(false);
  const take = useCallback((uid, lines) => {
    kept.current.set(uid, lines);
    setVersion((before) => before + 1);
  }, []);
  const fail = useCallback((uid, error) => setErrors((before) => ((before[uid] ?? null) === error ? before : { ...before, [uid]: error })), []);
  const error = workloads.map(({ uid }) => errors[uid]).find(Boolean) ?? null;
  const axis = AXES[query.x] ? query.x : "iteration";
  const weight = Math.min(0.99, Math.max(0, Number(query.smooth) || 0));
  const shown = workloads.filter(({ uid }) => kept.current.has(uid)).map((each) => ({ ...each, lines: kept.current.get(each.uid) }));
  const metrics = useMemo(() => [...new Set(shown.flatMap(({ lines }) => lines.metrics))].sort(), [version, workloads]);
  const sources = useMemo(() => [...new Set(shown.flatMap(({ lines }) => lines.metrics.flatMap((metric) => lines.sources(metric))))].sort(), [version, workloads]);
  const wanted = (query.metric ?? "").toLowerCase();
  const found = metrics.filter((metric) => metric.toLowerCase().includes(wanted));
  const drawn = all ? found : found.slice(0, FIRST_CHARTS);
  const going = workloads.filter((each) => each.live).map((each) => each.uid);
  const followers = workloads.map((each) => html`<${Follower} key=${each.uid} ...${each} streams=${each.uid === going[0]} take=${take} fail=${fail} />`);
  if (!shown.length) return html`${followers}<${ErrorNote} error=${error} />${!error && html`<${Skeleton} lines=${5} />`}`;
  return html`
    ${followers}
    <${ErrorNote} error=${error} />
    <div class="row chart-tools">
      <${Choice} label="Over" value=${axis} options=${[{ value: "iteration", label: "Iteration" }, { value: "time", label: "Time" }, { value: "minutes", label: "Duration" }]}
        onChange=${(x) => setQuery({ x: x === "iteration" ? "" : x })} />
      <label class="row">Smoothing <input type="range" min="0" max="0.99" step="0.01" value=${weight} onInput=${(event) => setQuery({ smooth: Number(event.target.value) || "" })} />
        <output class="figure">${weight.toFixed(2)}</output></label>
      <${Check} label="Logarithmic" checked=${query.log === "1"} onChange=${(on) => setQuery({ log: on ? 1 : "" })} />
      ${sources.length > 1 &&
      html`<${Choice} label="Sources" value=${sources.includes(query.source) ? query.source : ""} onChange=${(source) => setQuery({ source })}
        options=${[{ value: "", label: "All sources" }, ...sources.map((value) => ({ value, label: NAMES[value] ?? value }))]} />`}
      <span class="grow"></span>
      ${metrics.length > 6 && html`<${Search} label="Search metrics" value=${query.metric ?? ""} onChange=${(metric) => setQuery({ metric })} />`}
      <${Button} onClick=${() => attempt(() => download(workloads))}>Download CSV<//>
    </div>
    ${!metrics.length &&
    html`<${Empty} title="No points yet">${going.length ? "They are drawn as they come." : "A version sends points while it trains; others may send their own to the API."}<//>`}
    ${metrics.length > 0 && !found.length && html`<${Empty} title="No metric fits">There are ${counted(metrics.length, "metric")}: search for a part of a name.<//>`}
    <div class="charts">
      ${drawn.map((metric, place) => html`<${Card} key=${metric} ...${{ metric, atOnce: place < FIRST_CHARTS, shown, version, axis, weight, log: query.log === "1", source: sources.includes(query.source) ? query.source : "" }} />`)}
    </div>
    ${found.length > drawn.length && html`<p class="more-charts"><${Button} onClick=${() => setAll(true)}>Show all ${count(found.length)} metrics<//></p>`}
  `;
}

export const NAMES = { log: "Log", wandb: "WandB", tensorflow: "TensorFlow" };

/** A metric with its chart, which is drawn once it is near the window, and stays. */
function Card({ atOnce, ...props }) {
  const place = useRef(null);
  const [near, setNear] = useState(atOnce);
  useEffect(() => {
    if (near) return undefined;
    const watch = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && setNear(true), { rootMargin: `${NEAR_PX}px` });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [near]);
  return html`<section class="card" ref=${place}>
    <header><h2 title=${props.metric}>${props.metric}</h2></header>
    ${near ? html`<${Metric} ...${props} />` : html`<div class="chart-room"></div>`}
  </section>`;
}

/** One metric: a line for each workload and source, that of a further source dashed. */
function Metric({ metric, shown, version, axis, weight, log, source }) {
  const { x, series, missing } = useMemo(() => {
    const lines = shown.flatMap(({ label, lines }, number) =>
      lines.sources(metric).filter((each) => !source || each === source).map((each, at) => ({ line: lines.line(metric, each), begun: lines.begun, label, each, at, number })),
    );
    const several = new Set(lines.map(({ each }) => each)).size > 1;
    const one = new Set(lines.map(({ number }) => number)).size === 1;
    const { x, values } = joined(lines, AXES[axis]);
    const series = lines.flatMap(({ label, each, at, number }, place) => {
      const name = one && several ? NAMES[each] ?? each : several ? `${label}, ${NAMES[each] ?? each}` : label;
      const line = { label: name, colour: one ? at : number, dashed: !one && at > 0, points: lines[place].line.value.length < 3 ? true : undefined, values: log ? values[place].map(positive) : values[place] };
      if (!weight) return [line];
      return [
        { ...line, label: `${name} as it was`, of: name, faint: true },
        { ...line, values: smoothed(line.values, weight) },
      ];
    });
    return { x, series, missing: uncomputed(values) };
  }, [metric, shown.map(({ uid }) => uid).join(" "), version, axis, weight, log, source]);
  return html`
    ${missing.some && html`<${Note}>${missing.all ? "No point has a number" : "The gaps are points without a number"}: null, NaN or infinite.<//>`}
    ${!x.length && html`<${Note}>No point of this source.<//>`}
    ${x.length > 0 && !missing.all && html`<${Chart} label=${metric} x=${x} series=${series} time=${AXES[axis].time ?? false} xLabel=${AXES[axis].label} log=${log} height=${220} />`}
  `;
}

/** Asks for the points of one workload, then follows them: as a stream, or by asking again. It shows nothing. */
function Follower({ uid, live, streams, take, fail }) {
  const lines = useRef(null);
  const came = useRef(0);
  const [after, setAfter] = useState(null);
  const ask = useCallback(
    async (signal) => {
      const query = { max_points: MOST_POINTS };
      const answer = await request("GET", path`/api/v1/workloads/${uid}/metrics/data`, { query, signal, as: "response" });
      const last = answer.headers.get("X-Last-Event-ID");
      const made = new Lines();
      made.add((await answer.json()).data);
      lines.current = made;
      came.current = 0;
      take(uid, made);
      fail(uid, null);
      return last;
    },
    [uid],
  );
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    async function look() {
      try {
        const last = await ask(abort.signal);
        if (live && streams) return setAfter(last ?? "-1");
      } catch (error) {
        if (error.name === "AbortError") return undefined;
        fail(uid, error);
      }
      if (live) timer = setTimeout(() => (document.hidden ? (timer = setTimeout(look, LOOK_MS)) : look()), LOOK_MS);
      return undefined;
    }
    setAfter(null);
    look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [uid, live, streams]);
  const url = live && streams && after !== null ? `${path`/api/v1/workloads/${uid}/metrics/stream`}?last_event_id=${after}` : "";
  useEvents(url, ["points"], (_, points) => {
    if (!Array.isArray(points) || lines.current === null) return;
    lines.current.add(points);
    came.current += points.length;
    take(uid, lines.current);
    if (came.current > AGAIN) ask().catch(() => {});
  });
  return null;
}

/** The file of one workload as the service writes it; of several one file, whose first column says whose a point is. */
async function download(workloads) {
  const texts = await Promise.all(workloads.map(({ uid }) => get(path`/api/v1/workloads/${uid}/metrics/data`, { query: { format: "csv" } })));
  if (workloads.length === 1) {
    save("training_metrics.csv", texts[0], "text/csv");
    return;
  }
  const parts = texts.map((text, at) => {
    const lines = text.trimEnd().split(/\r?\n/);
    return lines.map((line, number) => (number === 0 ? `workload_uid,${line}` : `${workloads[at].uid},${line}`));
  });
  save("training_metrics.csv", `${parts.flatMap((lines, at) => (at ? lines.slice(1) : lines)).join("\n")}\n`, "text/csv");
}
