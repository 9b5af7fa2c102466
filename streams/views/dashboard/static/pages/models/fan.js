// From a pasted text to instances, and from an answer to a fan: no component is here.

/** What is asked for: the median and the edges of three intervals. */
export const QUANTILES = ["0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95"];
const BANDS = [
  { label: "90 %", low: "0.05", high: "0.95" },
  { label: "80 %", low: "0.1", high: "0.9" },
  { label: "50 %", low: "0.25", high: "0.75", strong: true },
];
const DAY_MS = 86_400_000;
const FIXED = { s: 1000, min: 60_000, t: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };
const MONTHS = { m: 1, q: 3, y: 12, a: 12 };

/** A request to begin with: what the endpoint takes, filled with a week's wave. */
export function exampleOf(endpoint) {
  const length = Math.min(60, Math.max(14, endpoint.context_length));
  const target = Array.from({ length }, (_, at) => Math.round(50 + 20 * Math.sin((at * 2 * Math.PI) / 7) + at / 2));
  const instance = { start: "2024-01-01", target };
  if (endpoint.cardinality) instance.cat = endpoint.cardinality.map(() => 0);
  if (endpoint.num_dynamic_feat) {
    instance.dynamic_feat = Array.from({ length: endpoint.num_dynamic_feat }, () => Array(length + endpoint.prediction_length).fill(0));
  }
  return instance;
}

/** The instances of a text; Error in words for people where there are none. */
export function instancesOf(text) {
  const plain = text.trim();
  if (!plain) throw new Error("Paste a series: an instance with start and target, or its numbers.");
  if (/^[-+.\d\seE,;NnAa]+$/.test(plain)) {
    const target = plain.split(/[\s,;]+/).filter(Boolean).map((each) => (/^nan$/i.test(each) ? "NaN" : Number(each)));
    if (target.some((each) => Number.isNaN(each))) throw new Error("One of these is no number.");
    return [{ start: "2024-01-01", target }];
  }
  const found = parsed(plain);
  if (Array.isArray(found)) return typeof found[0] === "object" ? found : [{ start: "2024-01-01", target: found }];
  return Array.isArray(found.instances) ? found.instances : [found];
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim());
    if (lines.length < 2) throw new Error(`This is no JSON: ${error.message}`);
    return lines.map((line, at) => {
      try {
        return JSON.parse(line);
      } catch {
        throw new Error(at ? `Line ${at + 1} is no JSON.` : `This is no JSON: ${error.message}`);
      }
    });
  }
}

/** What the chart draws of one instance and its forecast. */
export function fanOf(endpoint, instance, prediction) {
  const history = instance.target.map((value) => (typeof value === "number" ? value : null));
  const length = (prediction.mean ?? prediction.quantiles["0.5"]).length;
  const times = timesOf(instance.start, endpoint.time_freq, history.length + length);
  const before = history.map(() => null);
  const joinedTo = (values) => [...before, ...values];
  const after = Array(length).fill(null);
  const { quantiles, mean } = prediction;
  return {
    time: times !== null,
    x: times ?? Array.from({ length: history.length + length }, (_, at) => at),
    mark: times ? times[history.length] : history.length,
    series: [
      { label: "History", values: [...history, ...after], colour: 7, points: history.length < 3 ? true : undefined },
      { label: "Median", values: joinedTo(quantiles["0.5"]), colour: 0, points: length < 3 ? true : undefined },
      { label: "Mean", values: joinedTo(mean), colour: 1, dashed: true, hidden: true },
    ],
    bands: BANDS.map(({ label, low, high, strong }) => ({ label, low: joinedTo(quantiles[low]), high: joinedTo(quantiles[high]), colour: 0, strong })),
  };
}

/** The times of the steps in seconds, as the text has them, in no zone; null where the step is none of the plain ones. */
export function timesOf(start, freq, count) {
  const begin = Date.parse(`${start.trim().replace(" ", "T")}${start.trim().length > 10 ? "Z" : "T00:00:00Z"}`);
  const found = /^(\d*)([A-Za-z]+)(-[A-Za-z]{3})?$/.exec(freq);
  if (Number.isNaN(begin) || !found) return null;
  const many = Number(found[1] || 1);
  const unit = found[2].toLowerCase();
  const steps = Array.from({ length: count }, (_, at) => at);
  if (FIXED[unit]) return steps.map((at) => (begin + at * many * FIXED[unit]) / 1000);
  if (unit === "b") return businessDays(begin, count);
  const months = MONTHS[unit[0]];
  if (!months || !/^(m|me|ms|q|qe|qs|y|ye|ys|a|as)$/.test(unit)) return null;
  return steps.map((at) => addedMonths(begin, at * many * months) / 1000);
}

function addedMonths(begin, months) {
  const at = new Date(begin);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() + months);
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(day, last));
  return at.getTime();
}

function businessDays(begin, count) {
  const found = [];
  for (let at = begin; found.length < count; at += DAY_MS) {
    const day = new Date(at).getUTCDay();
    if (day !== 0 && day !== 6) found.push(at / 1000);
  }
  return found;
}

/** All forecasts as a table: series, time, mean and quantiles. */
export function csvOf(endpoint, { instances, predictions }) {
  const lines = [["series", "time", "mean", ...QUANTILES].join(",")];
  predictions.forEach(({ mean, quantiles }, at) => {
    const { start, target } = instances[at];
    const times = timesOf(start, endpoint.time_freq, target.length + mean.length);
    mean.forEach((value, step) => {
      const time = times ? new Date(times[target.length + step] * 1000).toISOString().slice(0, 19).replace("T", " ") : target.length + step;
      lines.push([at + 1, time, value, ...QUANTILES.map((quantile) => quantiles[quantile][step])].join(","));
    });
  });
  return `${lines.join("\n")}\n`;
}
