// What changes by itself: polled with back-off while somebody looks, or pushed by server-sent events.
import { ApiError, request, session, withQuery } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./html.js";

const SLOWEST_MS = 30_000;

/**
 * Ask again and again while the page is visible: `{ data, error, loading, refresh }`.
 * What stays the same, and what fails, is asked for less often; `every(data)` is the pause in ms, null: no more.
 */
export function usePolled(ask, deps, { every = 2000 } = {}) {
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const run = useRef(() => {});
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    let last = "";
    let slower = 1;
    let open = false;
    async function look() {
      clearTimeout(timer);
      if (open || abort.signal.aborted) return;
      open = true;
      let pause = null;
      try {
        const data = await ask(abort.signal);
        const text = JSON.stringify(data) ?? "";
        slower = text === last ? Math.min(slower * 1.5, 4) : 1;
        last = text;
        setState({ data, error: null, loading: false });
        pause = typeof every === "function" ? every(data) : every;
      } catch (error) {
        if (error.name === "AbortError") return;
        slower = Math.min(slower * 2, 16);
        setState((before) => ({ ...before, error, loading: false }));
        pause = error.status === 404 || error.status === 401 ? null : 1000;
      } finally {
        open = false;
      }
      if (pause !== null && !document.hidden && !abort.signal.aborted) {
        timer = setTimeout(look, Math.min(pause * slower, SLOWEST_MS));
      }
    }
    const shown = () => (document.hidden ? clearTimeout(timer) : look());
    run.current = () => {
      slower = 1;
      return look();
    };
    setState((before) => ({ ...before, loading: true }));
    look();
    const signedIn = session.subscribe(() => look());
    document.addEventListener("visibilitychange", shown);
    return () => {
      abort.abort();
      clearTimeout(timer);
      signedIn();
      document.removeEventListener("visibilitychange", shown);
    };
  }, deps);
  const refresh = useCallback(() => run.current(), []);
  return { ...state, refresh };
}

/** Ask once: `{ data, error, loading, refresh }`. */
export const useAsked = (ask, deps) => usePolled(ask, deps, { every: () => null });

/**
 * Server-sent events: each event of `types` goes to `take(type, data, id)` as parsed JSON.
 * Answers "connecting", "live", "waiting" or "off". It comes again by itself, behind the last event it has seen, and
 * rests while nobody looks: a browser has six connections for all of its tabs.
 */
export function useEvents(url, types, take) {
  const [state, setState] = useState(url ? "connecting" : "off");
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (!url) {
      setState("off");
      return undefined;
    }
    let abort = null;
    let timer = 0;
    let tries = 0;
    let last = "";
    async function open() {
      clearTimeout(timer);
      if (document.hidden || abort !== null) return;
      const mine = new AbortController();
      abort = mine;
      setState(last ? "waiting" : "connecting");
      try {
        // Not by EventSource: it can send no token.
        const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
        const answer = await request("GET", url, { headers, signal: mine.signal, as: "response" });
        setState("live");
        for await (const event of eventsOf(answer.body)) {
          tries = 0;
          if (event.id) last = event.id;
          if (types.includes(event.type)) latest.current(event.type, parsed(event.data), event.id);
        }
      } catch (error) {
        if (mine.signal.aborted) return;
        if (error.status === 401 || error.status === 404) {
          setState("off");
          return;
        }
      }
      if (mine.signal.aborted) return;
      abort = null;
      setState("waiting");
      tries += 1;
      timer = setTimeout(open, Math.min(250 * 2 ** tries, SLOWEST_MS) * (0.75 + Math.random() / 2));
    }
    function close() {
      clearTimeout(timer);
      abort?.abort();
      abort = null;
    }
    const shown = () => {
      if (document.hidden) {
        close();
        setState("waiting");
      } else open();
    };
    open();
    document.addEventListener("visibilitychange", shown);
    return () => {
      close();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [url, types.join()]);
  return state;
}

/** The events of a body as they come: `{ type, data, id }`. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { type: "message", data: [], id: "" };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event.data.length) yield { ...event, data: event.data.join("\n") };
          event = { type: "message", data: [], id: event.id };
          continue;
        }
        const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (field === "data") event.data.push(content);
        else if (field === "event") event.type = content;
        else if (field === "id") event.id = content;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Answers of the API as they change, by one stream: `{ answers, error, state }`, `answers` by path. What answers with an
 * error is `error` (the last), and its answer stays as it was.
 */
export function useWatched(paths) {
  const [shown, setShown] = useState({ answers: {}, error: null });
  const key = paths.join("\n");
  useEffect(() => setShown({ answers: {}, error: null }), [key]);
  const state = useEvents(paths.length ? withQuery("/watch", { path: paths }) : null, ["answer"], (_, { path, status, body }) => {
    setShown((before) => {
      if (status === 200) return { answers: { ...before.answers, [path]: body }, error: null };
      return { ...before, error: new ApiError(status, body, `${path}: HTTP ${status}`) };
    });
  });
  return { ...shown, state };
}
