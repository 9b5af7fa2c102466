// Which columns are probably times, values and groups: pure, from names and the first rows.
import { looksWide } from "./wide.js";

const TIME_NAME = /^(ds|date|day|time|timestamp|datetime|month|week|year|period|quarter)$|date|time|timestamp|datum|fecha|日期|时间/i;
const TIME_CELL = /^\s*(\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?|\d{4}\s?[-]?\s?(Q[1-4]|W\d{1,2})|\d{8}|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})/;
const VALUE_NAME = /^(y|value|target|val)$|value|target|sales|sold|demand|qty|quantity|amount|price|load|count|sum|total|volume|cores|visits|units/i;
const GROUP_NAME = /(^|_|\b)(id|key|code|sku|store|shop|item|product|region|site|series|group|category|name)(\b|_|$)/i;

/** `{ timestamp, target, groupby, numbers }` as column indices, timestamp and target null where nothing fits; and `wide`. */
export function guessColumns(header, heads) {
  const columns = header.map(({ index, label }) => ({ index, label, cells: (heads[label] ?? []).filter((cell) => cell !== null && cell !== "") }));
  const timestamp = best(columns, timeScore);
  const rest = columns.filter((each) => each.index !== timestamp);
  const target = best(rest, valueScore);
  const groupby = rest
    .filter((each) => each.index !== target && each.cells.length > 0 && (!isNumeric(each) || GROUP_NAME.test(each.label)) && timeScore(each) < 3)
    .map((each) => each.index);
  const numeric = rest.filter((each) => isNumeric(each) && !groupby.includes(each.index));
  const numbers = numeric.map((each) => each.index);
  const times = columns.find((each) => each.index === timestamp)?.cells ?? [];
  const named = numeric.filter((each) => VALUE_NAME.test(each.label)).length;
  return { timestamp, target, groupby, numbers, wide: looksWide({ times, timestamp, groupby, numbers, named }) };
}

function best(columns, score) {
  let [found, most] = [null, 0];
  for (const column of columns) {
    const value = score(column);
    if (value > most) [found, most] = [column.index, value];
  }
  return found;
}

function timeScore({ label, cells }) {
  const shaped = cells.length > 0 && cells.every((cell) => TIME_CELL.test(String(cell)));
  const named = TIME_NAME.test(label);
  return (shaped ? 3 : 0) + (named ? 2 : 0) - (!shaped && named && cells.length && !cells.every((cell) => /\d/.test(String(cell))) ? 2 : 0);
}

function valueScore(column) {
  if (!isNumeric(column)) return 0;
  // Of equals, the last: files have what is measured at their end.
  return 2 + (VALUE_NAME.test(column.label) ? 2 : 0) - (GROUP_NAME.test(column.label) ? 1.5 : 0) + column.index / 1e6;
}

const isNumeric = ({ cells }) => cells.length > 0 && cells.every((cell) => typeof cell === "number");

/** A series by its group values, which the API writes as a Python tuple: "('a', 'b')" is "a · b". */
export function seriesName(text, otherwise = "the series") {
  const parts = groupValues(text);
  return parts.length ? parts.join(" · ") : otherwise;
}

export function groupValues(text) {
  const found = [...text.slice(1, -1).matchAll(/'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([^,\s'"]+)/gsu)];
  return found.map(([, single, double, bare]) => bare ?? (single ?? double).replace(/\\(u[0-9a-f]{4}|x[0-9a-f]{2}|.)/gsu, unescaped));
}

function unescaped(_, escape) {
  if (/^[ux]./.test(escape)) return String.fromCodePoint(Number.parseInt(escape.slice(1), 16));
  return { n: "\n", t: "\t", r: "\r" }[escape] ?? escape;
}
