// Addresses of the page: `#/jobs/forecasting/7?state=running`. The server knows nothing of them.
import { createStore, useStore } from "./store.js";

/** `{ page, parts, query }` of an address. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [page = "", ...parts] = path.split("/").map(decode);
  return { page, parts: parts.filter(Boolean), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a page, its parts and its query; what is empty is left out. */
export function href(page, parts = [], query = {}) {
  const path = [page, ...parts].map(encodeURIComponent).join("/");
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") asked.set(name, value);
  }
  const text = asked.toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

export const route = createStore(parse(location.hash));
addEventListener("hashchange", () => route.set(parse(location.hash)));

export const useRoute = () => useStore(route);

export function navigate(page, parts, query) {
  location.hash = href(page, parts, query);
}

/** Change some of the query without a new entry in the history: filters, sorting, what is chosen. */
export function setQuery(changes) {
  const { page, parts, query } = route.get();
  history.replaceState(null, "", href(page, parts, { ...query, ...changes }));
  route.set(parse(location.hash));
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
