// Points of workloads as lines of a chart: put together, smoothed, over steps or over time.

/** The lines of one workload, by metric and source. */
export class Lines {
  constructor() {
    this.byMetric = new Map();
    this.size = 0;
    /** The first time of all, from which a duration is counted. */
    this.begun = Infinity;
  }

  /** Take points as the API has them. */
  add(points) {
    for (const { metric_name: metric, data_source: source, iteration, timestamp, value } of points) {
      const sources = this.byMetric.get(metric) ?? new Map();
      this.byMetric.set(metric, sources);
      const line = sources.get(source) ?? { iteration: [], time: [], value: [] };
      sources.set(source, line);
      line.iteration.push(iteration);
      line.time.push(timestamp);
      if (timestamp < this.begun) this.begun = timestamp;
      line.value.push(value);
    }
    this.size += points.length;
  }

  get metrics() {
    return [...this.byMetric.keys()];
  }

  sources(metric) {
    return [...(this.byMetric.get(metric)?.keys() ?? [])].sort();
  }

  line(metric, source) {
    return this.byMetric.get(metric)?.get(source);
  }
}

/** What lines may be drawn over: of each the number of a point, and how the axis is called. */
export const AXES = {
  iteration: { label: "iteration", x: (line, at) => line.iteration[at] },
  time: { label: "time", time: true, x: (line, at) => localSeconds(line.time[at]) },
  minutes: { label: "minutes since the begin", x: (line, at, begun) => Math.round((line.time[at] - begun) / 6) / 10_000 },
};

/** The chart writes times as they are, in no zone: these are the reader's. */
function localSeconds(at) {
  return at / 1000 - new Date(at).getTimezoneOffset() * 60;
}

/**
 * `{ x, values }` of lines `{ line, begun }` over an axis, ascending. Where a line has no point it is undefined, and drawn on;
 * where it has one that could not be computed it is null, a gap.
 */
export function joined(lines, axis) {
  const all = new Set();
  const found = lines.map(({ line, begun }) => {
    const values = new Map(); // of what came twice for a place, the last
    for (let at = 0; at < line.value.length; at += 1) {
      const x = axis.x(line, at, begun);
      values.set(x, line.value[at]);
      all.add(x);
    }
    return values;
  });
  const x = [...all].sort((a, b) => a - b);
  return { x, values: found.map((values) => x.map((place) => values.get(place))) };
}

/** What a scale by powers can show: the rest, which a computed number may be too, is a gap. */
export const positive = (value) => (value === undefined || value > 0 ? value : null);

/** Whether some points, or all, could not be computed. How many is not known here: lines are thinned. */
export function uncomputed(values) {
  const points = values.flat().filter((value) => value !== undefined);
  return { some: points.includes(null), all: points.every((value) => value === null) };
}

/** An exponential mean whose begin is not drawn to zero; `weight` from 0 (nothing) to below 1. */
export function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let share = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    sum = sum * weight + value * (1 - weight);
    share = share * weight + (1 - weight);
    return sum / share;
  });
}
