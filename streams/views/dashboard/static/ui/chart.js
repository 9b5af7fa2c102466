// Lines over time or steps, with bands for intervals; uPlot draws, and is loaded with the first chart.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { number } from "../lib/format.js";
import { announce } from "./feedback.js";
import { Table } from "./table.js";

let library = null;
const loadLibrary = () => (library ??= import("../vendor/uplot/uPlot.esm.js").then((it) => it.default));

/** Okabe and Ito's colours, by number from 0, as the style sheet has them for each theme; they come round. */
export const COLOURS = 8;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colour = (at) => token(`--series-${at % COLOURS}`);

/**
 * `x`: ascending numbers, seconds since 1970 where `time` (shown as they are, in no zone).
 * `series`: `{ label, values, colour, dashed, points, dots, faint, hidden, of }`, values null where there is a gap, undefined where the line goes on; `dots` are
 * drawn without a line; `of` is the
 * label of another one, with which this is shown and hidden, without a place of its own in the legend;
 * `bands`: `{ label, low, high, colour }` of values too. `log`: a logarithmic scale. `describe`: what it shows, for
 * those who do not see it. `onReady(png)` hands out a function that answers with the picture as a Blob.
 */
export function Chart({ label, x, series, bands = [], time = false, log = false, height = 320, xLabel = "", mark = null, onReady }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [off, setOff] = useState({});
  const [at, setAt] = useState(null);
  const [ready, setReady] = useState(false);
  const hidden = (each) => off[each.of ?? each.label] ?? each.hidden ?? false;
  const drawn = series.map((each) => ({ ...each, show: !hidden(each) }));
  const shape = JSON.stringify([drawn.map(({ values, ...rest }) => rest), bands.map(({ low, high, ...rest }) => rest), time, log, xLabel, mark]);

  useEffect(() => {
    let gone = false;
    let made = null;
    const sizes = new ResizeObserver(() => made?.setSize({ width: place.current.clientWidth, height }));
    const themes = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => made?.redraw(false, true);
    loadLibrary().then((Plot) => {
      if (gone || !place.current) return;
      const options = optionsOf(Plot, { x, drawn, bands, time, log, xLabel, mark, height, width: place.current.clientWidth, moved: setAt });
      made = new Plot(options, dataOf(x, drawn, bands), place.current);
      plot.current = made;
      sizes.observe(place.current);
      setReady(true);
      onReady?.(() => picture(made, label, drawn, bands));
    });
    themes.addEventListener("change", redraw);
    addEventListener("tidecast-theme", redraw);
    return () => {
      gone = true;
      sizes.disconnect();
      themes.removeEventListener("change", redraw);
      removeEventListener("tidecast-theme", redraw);
      made?.destroy();
      plot.current = null;
    };
  }, [shape, height]);

  useEffect(() => {
    plot.current?.setData(dataOf(x, drawn, bands));
  }, [x, ...series.map((each) => each.values)]);

  function keyed(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -x.length, End: x.length, PageUp: -10, PageDown: 10 };
    const step = steps[event.key];
    if (step === undefined || !x.length || !plot.current) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(x.length - 1, (at ?? (step > 0 ? -1 : x.length)) + step));
    plot.current.setCursor({ left: plot.current.valToPos(x[next], "x"), top: 10 });
    setAt(next);
    announce(`${shownX(x[next], time)}: ${drawn.filter((each) => each.show && !each.of && isNumber(each.values[next])).map((each) => `${each.label} ${number(each.values[next])}`).join(", ")}`);
  }

  return html`<figure class="chart">
    <div class="legend">
      ${drawn.filter((each) => !each.of).map(
        (each) => html`<button key=${each.label} type="button" class="legend-item" aria-pressed=${each.show ? "true" : "false"}
          onClick=${() => setOff({ ...off, [each.label]: each.show })}>
          <i aria-hidden="true" class="swatch s${each.colour % COLOURS} ${each.dashed ? "dashed" : ""}"></i>${each.label}
          ${at !== null && isNumber(each.values[at]) && html`<b class="figure">${number(each.values[at])}</b>`}
        </button>`,
      )}
      ${bands.map((each) => html`<span key=${each.label} class="legend-item"><i aria-hidden="true" class="swatch band s${each.colour % COLOURS}"></i>${each.label}
        ${at !== null && isNumber(each.low[at]) && html`<b class="figure">${number(each.low[at])} – ${number(each.high[at])}</b>`}</span>`)}
      <span class="legend-at figure">${at === null ? "" : shownX(x[at], time)}</span>
    </div>
    <div class="plot ${ready ? "" : "waits"}" ref=${place} role="img" aria-label="${label}. ${described(x, series, time)} Arrow keys read values." tabindex="0"
      onKeyDown=${keyed} style=${{ minHeight: `${height}px` }}></div>
    <${Twin} ...${{ label, x, series: drawn, bands, time, xLabel }} />
  </figure>`;
}

/** The same numbers as a table, made when somebody opens it. */
function Twin({ label, x, series, bands, time, xLabel }) {
  const [open, setOpen] = useState(false);
  const columns = [
    { key: "x", label: xLabel || (time ? "time" : "x"), value: (row) => row, cell: (row) => shownX(x[row], time) },
    ...series.map((each, at) => ({ key: `s${at}`, label: each.label, number: true, value: (row) => each.values[row], cell: (row) => number(each.values[row]) })),
    ...bands.flatMap((each, at) => [
      { key: `l${at}`, label: `${each.label}, low`, number: true, value: (row) => each.low[row], cell: (row) => number(each.low[row]) },
      { key: `h${at}`, label: `${each.label}, high`, number: true, value: (row) => each.high[row], cell: (row) => number(each.high[row]) },
    ]),
  ];
  return html`<details class="twin" onToggle=${(event) => setOpen(event.target.open)}>
    <summary>Show the numbers</summary>
    ${open && html`<${Table} label="${label}, as a table" columns=${columns} rows=${x.map((_, row) => row)} rowKey=${(row) => row} height="260px" />`}
  </details>`;
}

function optionsOf(Plot, { x, drawn, bands, time, log, xLabel, mark, height, width, moved }) {
  const axis = { stroke: () => token("--muted"), grid: { stroke: () => token("--grid"), width: 1 }, ticks: { stroke: () => token("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
  const first = 1 + drawn.length;
  return {
    width,
    height,
    tzDate: (at) => Plot.tzDate(new Date(at * 1000), "Etc/UTC"),
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { focus: { prox: 24 }, drag: { x: true, y: false } },
    scales: { x: { time }, y: log ? { distr: 3, range: logRange } : {} },
    axes: [
      { ...axis, space: 70, ...(!time && x.every(Number.isInteger) ? { incrs: WHOLE } : {}), ...(xLabel && !time ? { label: xLabel, labelSize: 22, labelFont: axis.font } : {}), ...(time ? { values: DATES } : {}) },
      { ...axis, size: (plot, texts) => Math.max(44, 14 + 7 * Math.max(0, ...(texts ?? []).map((text) => String(text ?? "").length))), values: (plot, values) => values.map((value) => (value === null ? "" : number(value))) },
    ],
    series: [
      {},
      ...drawn.map((each) => ({
        label: each.label,
        show: each.show,
        stroke: () => (each.faint ? faded(colour(each.colour), 0.35) : colour(each.colour)),
        width: each.faint ? 1 : 1.75,
        dash: each.dashed ? [6, 4] : undefined,
        ...(each.dots ? { paths: () => null } : {}),
        points: each.dots ? { show: true, size: 9, width: 2 } : { show: each.points ?? undefined, size: 5, filter: lonely },
      })),
      ...bands.flatMap((each) => [{ label: `${each.label} high`, stroke: "transparent", points: { show: false } }, { label: `${each.label} low`, stroke: "transparent", points: { show: false } }]),
    ],
    bands: bands.map((each, at) => ({ series: [first + 2 * at, first + 2 * at + 1], fill: () => faded(colour(each.colour), each.strong ? 0.3 : 0.18) })),
    hooks: {
      setCursor: [(plot) => moved(plot.cursor.idx ?? null)],
      draw: mark === null ? [] : [(plot) => drawMark(plot, mark)],
    },
  };
}

/** The places of values that stand alone between gaps: no line shows them, so they are dots. */
function lonely(plot, at, all) {
  if (all) return null;
  const values = plot.data[at];
  const [first, last] = plot.series[0].idxs;
  const found = [];
  let before = null; // the values on both sides, over places where the line goes on
  let candidate = -1;
  for (let place = first; place <= last; place += 1) {
    if (values[place] === undefined) continue;
    if (values[place] === null) {
      if (candidate >= 0) found.push(candidate);
      candidate = -1;
    } else candidate = before === null ? place : -1;
    before = values[place];
  }
  return candidate >= 0 ? [...found, candidate] : found;
}

const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((each) => each * 10 ** power)).flat(); // steps have no halves

const DATES = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, ":{ss}", "\n{YYYY}-{MM}-{DD} {HH}:{mm}", null, "\n{MM}-{DD} {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
  [0.001, ":{ss}.{fff}", "\n{YYYY}-{MM}-{DD} {HH}:{mm}", null, "\n{MM}-{DD} {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
];

const dataOf = (x, drawn, bands) => [x, ...drawn.map((each) => each.values), ...bands.flatMap((each) => [each.high, each.low])];

function logRange(plot, low, high) {
  if (!(high > 0)) return [0.1, 1];
  const from = low > 0 ? low : high / 1000;
  return [10 ** Math.floor(Math.log10(from)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
}

/** A line where the forecast begins. */
function drawMark(plot, at) {
  const left = Math.round(plot.valToPos(at, "x", true));
  if (left < plot.bbox.left || left > plot.bbox.left + plot.bbox.width) return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = token("--muted");
  ctx.setLineDash([2, 4]);
  ctx.beginPath();
  ctx.moveTo(left, plot.bbox.top);
  ctx.lineTo(left, plot.bbox.top + plot.bbox.height);
  ctx.stroke();
  ctx.restore();
}

function faded(hex, share) {
  const [red, green, blue] = [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}

/** The picture with its title and legend, on the theme's ground. */
function picture(plot, title, drawn, bands) {
  const { canvas } = plot.ctx;
  const scale = devicePixelRatio || 1;
  const [edge, head] = [16 * scale, 56 * scale];
  const made = document.createElement("canvas");
  made.width = canvas.width + 2 * edge;
  made.height = canvas.height + head + edge;
  const ink = made.getContext("2d");
  ink.fillStyle = token("--surface");
  ink.fillRect(0, 0, made.width, made.height);
  ink.drawImage(canvas, edge, head);
  ink.textBaseline = "middle";
  ink.fillStyle = token("--text");
  ink.font = `600 ${14 * scale}px system-ui, sans-serif`;
  ink.fillText(title, edge, 18 * scale);
  ink.font = `${12 * scale}px system-ui, sans-serif`;
  let left = edge;
  for (const each of [...drawn.filter((it) => it.show && !it.of), ...bands]) {
    ink.fillStyle = each.low ? faded(colour(each.colour), 0.35) : colour(each.colour);
    ink.fillRect(left, 37 * scale, 14 * scale, (each.low ? 10 : 3) * scale);
    ink.fillStyle = token("--muted");
    ink.fillText(each.label, left + 20 * scale, 41 * scale);
    left += ink.measureText(each.label).width + 40 * scale;
  }
  return new Promise((resolve) => made.toBlob(resolve, "image/png"));
}

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** As the service writes times: no zone, no seconds where there are none. */
export function shownX(value, time) {
  if (value === undefined || value === null) return "";
  if (!time) return number(value);
  const text = new Date(value * 1000).toISOString().replace("T", " ").replace(/(\.000)?Z$/, "");
  return text.replace(/( 00:00)?:00$/, "");
}

function described(x, series, time) {
  if (!x.length) return "No values yet.";
  const parts = series.map((each) => {
    const known = each.values.filter(isNumber);
    return known.length ? `${each.label}: ${known.length} values from ${number(Math.min(...extremes(known)))} to ${number(Math.max(...extremes(known)))}` : `${each.label}: no values`;
  });
  return `${shownX(x[0], time)} to ${shownX(x[x.length - 1], time)}. ${parts.slice(0, 8).join("; ")}.`;
}

function extremes(values) {
  let [low, high] = [values[0], values[0]];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
