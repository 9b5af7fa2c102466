// Wide files: each of several columns is a series. What is chosen of them becomes a data set with a row for each value.
import { path, request } from "../../lib/api.js";

const SAID = ["delimiter", "quote", "decimal", "thousands", "timestamp_format"];

/** Whether each column is probably a series: three numbers or more beside a time that never repeats, and no group. */
export function looksWide({ times, timestamp, groupby, numbers, named }) {
  const once = timestamp !== null && times.length > 1 && new Set(times.map(String)).size === times.length;
  // Where names say of some numbers, but not of all, that they are what is measured, the others are something else.
  return once && groupby.length === 0 && numbers.length >= 3 && (named === 0 || named === numbers.length);
}

/** Where columns of the wide file lie in the data set that it becomes: those that stay, then `series`, then `value`. */
export function placesOf(header, series) {
  const kept = header.map(({ index }) => index).filter((index) => !series.includes(index));
  return { of: (index) => kept.indexOf(index), series: kept.length, value: kept.length + 1 };
}

/** The id of the data set with a row for each value of the columns `series`; rows that came since are in it. */
export async function stacked(data, series) {
  const rows = await request("GET", path`/data/${data.id}/rows`, { as: "blob" });
  const form = new FormData();
  form.append("upload", rows, `${data.name}.csv`);
  form.append("name", `${data.name.slice(0, 25)}_series`);
  form.append("series_columns", JSON.stringify(series));
  for (const name of SAID) if (data.dialect.given?.includes(name) && data.dialect[name]) form.append(name, data.dialect[name]);
  return (await request("POST", "/data/", { form })).data.id;
}
