// The public API's client. Errors keep the words of the contract that refused; writes are safe to repeat.
import { createStore } from "./store.js";

const TRIES = 4; // of what answers 503: recovering takes seconds, not minutes
const LONGEST_WAIT_S = 5;

/** What the page knows of signing in: `needed` once the API has answered 401. */
export const session = createStore({ needed: false, signedIn: false, reason: "" });

/** A refusal: HTTP status, the service's code and words, and where the fault is. */
export class ApiError extends Error {
  constructor(status, body, fallback) {
    super(wordsOf(body) || fallback);
    this.name = "ApiError";
    this.status = status;
    this.code = body?.code ?? body?.error_code ?? body?.ErrorCode ?? "";
    this.field = body?.field ?? null;
    this.element = Number.isInteger(body?.element) ? body.element : null;
    this.body = body;
  }
}

/** The sentence for people in a refusal of any of the contracts. */
export function wordsOf(body) {
  if (typeof body === "string") return body.trim();
  if (body === null || typeof body !== "object") return "";
  for (const key of ["message", "error_message", "error_msg", "Message", "error", "msg", "detail", "instance"]) {
    const value = body[key];
    if (typeof value === "string" && value) return value;
    if (value && typeof value === "object" && !Array.isArray(value)) {
      const inner = wordsOf(value);
      if (inner) return inner;
    }
  }
  return "";
}

export const get = (path, options) => request("GET", path, options);
export const post = (path, json, options) => request("POST", path, { ...options, json });
export const put = (path, json, options) => request("PUT", path, { ...options, json });
export const patch = (path, json, options) => request("PATCH", path, { ...options, json });
export const del = (path, options) => request("DELETE", path, options);

/**
 * The body of a successful answer: JSON as an object, else text (`as: "blob"` or `"response"` for those).
 * Options: query, json, form (FormData), body (a file, as it is), headers, signal, as, once (a 503 is the answer).
 */
export async function request(method, path, { query, json, form, body, headers, signal, as, once = false } = {}) {
  const url = withQuery(path, query);
  const init = { method, signal, headers: { Accept: "application/json, */*;q=0.5", ...headers } };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers["Content-Type"] = "application/json";
  } else if (form !== undefined) {
    init.body = form;
  } else if (body !== undefined) {
    init.body = body;
  }
  if (method !== "GET") init.headers["Idempotency-Key"] = newKey();
  for (let tried = 1; ; tried += 1) {
    const answer = await sent(url, init);
    if (answer.ok) return read(answer, as);
    const error = new ApiError(answer.status, await bodyOf(answer), `${method} ${path}: HTTP ${answer.status}`);
    if (answer.status === 401 && path !== "/access/session") session.set({ ...session.get(), needed: true });
    if (answer.status !== 503 || once || tried === TRIES) throw error;
    await pause(Math.min(Number(answer.headers.get("Retry-After")) || 1, LONGEST_WAIT_S), signal);
  }
}

async function sent(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, null, "The service does not answer. Is it running? The page tries again by itself where it can.");
  }
}

function read(answer, as) {
  if (as === "response") return answer;
  if (as === "blob") return answer.blob();
  if (answer.status === 204) return null;
  return bodyOf(answer);
}

async function bodyOf(answer) {
  const text = await answer.text();
  if (!(answer.headers.get("Content-Type") ?? "").includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The path with a query; null, undefined and "" are left out, arrays are repeated. */
export function withQuery(path, query) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") parts.append(name, each);
    }
  }
  const text = parts.toString();
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
}

/** A path of parts, each encoded: path`/job/${id}/`. */
export function path(words, ...values) {
  return words.reduce((text, word, at) => text + word + (at < values.length ? encodeURIComponent(values[at]) : ""), "");
}

/** The token is in a cookie then, which no script can read. */
export async function signIn(user, password) {
  await request("POST", "/access/session", { json: { user, password } });
  session.set({ needed: false, signedIn: true, reason: "" });
}

export async function signOut() {
  await request("DELETE", "/access/session");
  session.set({ needed: true, signedIn: false, reason: "You are signed out." });
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("Aborted", "AbortError"));
    });
  });
}

/** Whose things the pages show; it is known before any page is loaded. */
export const own = { project: "default" };

export async function whoAsks() {
  const me = await get("/access/me");
  own.project = me.project;
  return me;
}
