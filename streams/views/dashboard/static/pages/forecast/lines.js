// A series with its results as lines of a chart, and all results as a table and a file: pure.

/** "2024-01-31 00:00:00" in seconds since 1970 on the clock that it shows. */
export function secondsOf(text) {
  return Date.parse(`${text.replace(" ", "T")}Z`) / 1000;
}

/** `{ x, series, bands, mark }` of a history and of the latest result of each model. */
export function linesOf(history, results) {
  const places = new Map();
  const past = history ? history.timestamps.map(secondsOf) : [];
  const shown = results.filter((each) => !each.error);
  for (const at of past) places.set(at, 0);
  for (const each of shown) for (const text of [...(each.backtest?.timestamps ?? []), ...each.timestamps]) places.set(secondsOf(text), 0);
  const x = [...places.keys()].sort((a, b) => a - b);
  x.forEach((at, place) => places.set(at, place));
  const laid = (times, values) => {
    const line = new Array(x.length).fill(null);
    times.forEach((at, place) => {
      line[places.get(at)] = values[place];
    });
    return line;
  };
  const series = history ? [{ label: history.target, values: laid(past, history.values), colour: 7 }] : [];
  const bands = [];
  shown.forEach((each, at) => {
    const name = labelOf(each, shown);
    const times = each.timestamps.map(secondsOf);
    series.push({ label: name, values: laid(times, each.predictions), colour: at, points: times.length < 2 });
    if (each.backtest) series.push({ label: `${name}, backtest`, values: laid(each.backtest.timestamps.map(secondsOf), each.backtest.predictions), colour: at, dashed: true });
    for (const [low, high, strong] of intervals(each.quantiles)) {
      const words = `${name}, ${Math.round((high - low) * 100)} %`;
      bands.push({ label: words, low: laid(times, each.quantiles[low]), high: laid(times, each.quantiles[high]), colour: at, strong });
    }
  });
  return { x, series, bands, mark: past.length && shown.length ? past[past.length - 1] : null };
}

/** The same chart with dots on some of its times; those that it does not have are left out. */
export function withDots(lines, label, times, values) {
  const places = new Map(lines.x.map((at, place) => [at, place]));
  const dots = new Array(lines.x.length).fill(null);
  times.forEach((time, at) => {
    const place = places.get(secondsOf(time));
    if (place !== undefined) dots[place] = values[at];
  });
  return { ...lines, series: [...lines.series, { label, values: dots, colour: 3, dots: true }] };
}

/** Pairs of quantiles around the middle, the widest first. */
function intervals(quantiles) {
  const levels = Object.keys(quantiles ?? {}).sort((a, b) => a - b);
  const pairs = levels.slice(0, levels.length >> 1).map((low, at) => [low, levels[levels.length - 1 - at]]);
  return pairs.map(([low, high], at) => [low, high, at > 0]).slice(0, 2);
}

const labelOf = (result, all) => (all.filter((each) => each.model_name === result.model_name).length > 1 ? `${result.model_name} #${all.indexOf(result) + 1}` : result.model_name);

/** The latest result of each model of a series: asked for again, a model shows its new answer. */
export function latest(results) {
  const byModel = new Map();
  for (const each of results) {
    byModel.delete(each.model_name);
    byModel.set(each.model_name, each);
  }
  return [...byModel.values()];
}

/** All forecasts as CSV: one row per step. */
export function asCsv(rows, groupKeys, valuesOf) {
  const levels = [...new Set(rows.flatMap((row) => Object.keys(row.result.quantiles ?? {})))].sort((a, b) => a - b);
  const lines = [[...groupKeys, "ts_id", "model", "timestamp", "forecast", ...levels.map((level) => `q${level}`)]];
  for (const { tsId, result } of rows) {
    if (result.error) continue;
    const head = [...valuesOf(tsId), tsId, result.model_name];
    result.timestamps.forEach((time, at) => lines.push([...head, time, result.predictions[at], ...levels.map((level) => result.quantiles?.[level]?.[at] ?? "")]));
  }
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
