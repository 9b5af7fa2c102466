// The log of a version: its end at first, then what comes.
import { get } from "../../lib/api.js";
import { html, useEffect, useRef, useState } from "../../lib/html.js";
import { counted } from "../../lib/format.js";
import { save } from "../../lib/files.js";
import { useAsked, usePolled } from "../../lib/live.js";
import { Button, Check, SelectField } from "../../ui/controls.js";
import { attempt, Empty, ErrorNote, Skeleton } from "../../ui/feedback.js";

const FIRST_LINES = 500; // the most of an answer (contract T-019)
const MOST_LINES = 5000; // in the page; the whole can be saved
const LOOK_MS = 1000;

export function Log({ at, name, going }) {
  const names = useAsked((signal) => get(`${at}/log/file-names`, { signal }), [at, going]);
  const [file, setFile] = useState("");
  const files = names.data?.log_file_list ?? [];
  const chosen = files.includes(file) ? file : files[0] ?? "";
  if (!names.data) return html`<${ErrorNote} error=${names.error} retry=${names.refresh} />${!names.error && html`<${Skeleton} />`}`;
  if (!files.length) return html`<${Empty} title="No log yet">It begins when the version runs.<//>`;
  return html`
    ${files.length > 1 && html`<div class="fields"><${SelectField} label="Worker" value=${chosen} options=${files} onChange=${setFile} /></div>`}
    <${Lines} key=${chosen} at=${at} file=${chosen} name=${name} going=${going} />
  `;
}

function Lines({ at, file, name, going }) {
  const [lines, setLines] = useState([]);
  const [follows, setFollows] = useState(true);
  const box = useRef(null);
  const next = useRef(null);
  const rest = useRef("");
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const part = next.current === null ? { lines: FIRST_LINES } : { offset: next.current };
      const answer = await get(`${at}/aom-log`, { query: { log_file: file, ...part }, signal });
      const found = (rest.current + answer.content).split("\n");
      rest.current = next.current === null ? "" : found.pop();
      next.current = answer.next_offset;
      const whole = found.filter((line, number) => line || number < found.length - 1);
      if (whole.length) setLines((before) => [...before, ...whole].slice(-MOST_LINES));
      return answer;
    },
    [at, file, going],
    { every: (answer) => (answer.content && next.current !== null ? LOOK_MS / 2 : going ? LOOK_MS : null) },
  );
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows]);
  function scrolled() {
    const element = box.current;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    if (follows !== atEnd) setFollows(atEnd);
  }
  return html`
    <div class="row log-tools">
      <${Check} label="Follow" checked=${follows} onChange=${setFollows} />
      <span class="quiet grow">${lines.length ? counted(lines.length, "line") : ""}${lines.length >= FIRST_LINES ? ", the last ones" : ""}</span>
      <${Button} kind="small" onClick=${() => attempt(() => download(at, file, name))}>Download the log<//>
    </div>
    <${ErrorNote} error=${error} retry=${refresh} />
    ${data && !lines.length
      ? html`<${Empty} title="Nothing is in the log yet">${going ? "Lines are shown as they come." : "The version wrote none."}<//>`
      : html`<pre class="log" ref=${box} tabindex="0" role="region" aria-label="Log ${file}" onScroll=${scrolled}>${lines.join("\n")}</pre>`}
  `;
}

/** All of it, in the parts that the service gives. */
async function download(at, file, name) {
  const parts = [];
  for (let offset = 0; ; ) {
    const answer = await get(`${at}/aom-log`, { query: { log_file: file, offset } });
    if (!answer.content) break;
    parts.push(answer.content);
    offset = answer.next_offset;
  }
  save(`${name}.log`, new Blob(parts, { type: "text/plain" }));
}
