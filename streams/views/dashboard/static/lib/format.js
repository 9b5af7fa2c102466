// How numbers and times are written: the same everywhere.

const PLAIN = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count with separators. */
export const count = (value) => (Number.isFinite(value) ? WHOLE.format(value) : "–");

/** "1 series", "2 jobs". */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A measured number in four significant digits; a dash where there is none. */
export function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-3) return value.toExponential(2);
  return size >= 1000 ? PLAIN.format(value) : String(Number(value.toPrecision(4)));
}

/** A time in the reader's zone: "14:03:22" today, else with its date. */
export function time(value) {
  const at = asDate(value);
  if (at === null) return "–";
  const clock = at.toLocaleTimeString("en-GB");
  if (at.toDateString() === new Date().toDateString()) return clock;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock.slice(0, 5)}`;
}

/** "just now", "3 min ago". */
export function ago(value, now = Date.now()) {
  const at = asDate(value);
  if (at === null) return "–";
  const seconds = Math.max(0, (now - at.getTime()) / 1000);
  if (seconds < 10) return "just now";
  return `${duration(seconds)} ago`;
}

/** Seconds as people say them. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function bytes(size) {
  if (!Number.isFinite(size)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let value = size;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** Milliseconds since 1970 or a text with an offset; null where it is neither. */
export function asDate(value) {
  if (value === null || value === undefined || value === "") return null;
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? null : at;
}

const two = (value) => String(value).padStart(2, "0");
