// One series: its past, what each model says of its future, and how well each did on what was held out.
import { get } from "../../lib/api.js";
import { count, counted, number } from "../../lib/format.js";
import { html, useMemo, useRef, useState } from "../../lib/html.js";
import { useAsked } from "../../lib/live.js";
import { Chart } from "../../ui/chart.js";
import { Button } from "../../ui/controls.js";
import { attempt, Badge, ErrorNote, Skeleton } from "../../ui/feedback.js";
import { Table } from "../../ui/table.js";
import { fileName, save } from "../../lib/files.js";
import { groupValues } from "./guess.js";
import { asCsv, linesOf, withDots } from "./lines.js";
import { SCORES } from "./scores.js";

/** `version` changes when the series may have other values; undefined while it cannot be told. */
export function Series({ address, version, chosen, results }) {
  const kept = useRef(version);
  kept.current = version ?? kept.current;
  const past = useAsked((signal) => get(`${address}ts_details/${chosen.ts_id}/`, { signal }), [address, chosen.ts_id, kept.current]);
  const current = past.data?.ts_id === chosen.ts_id ? past.data : null;
  const strange = useStrange(address, chosen.ts_id, kept.current);
  const lines = useMemo(() => marked(linesOf(current, results), strange.found), [current, results.map((each) => each.model_name + each.n).join(), strange.found]);
  const picture = useRef(null);
  const name = fileName(chosen.name);
  const asFile = () => save(`${name}.csv`, asCsv(results.map((result) => ({ tsId: chosen.ts_id, result })), chosen.groupby_key, () => groupValues(chosen.groupby_val)), "text/csv");
  return html`<section class="card" aria-label="The chosen series">
    <header>
      <h2>${chosen.name}</h2>
      <span class="quiet">${count(chosen.points)} points, step ${chosen.freq}</span>
      <${Button} kind="small" disabled=${!results.some((each) => !each.error)} onClick=${strange.look}>Mark strange values<//>
      <${Button} kind="small" disabled=${!current} onClick=${async () => save(`${name}.png`, await picture.current())}>PNG<//>
      <${Button} kind="small" disabled=${!results.length} onClick=${asFile}>CSV<//>
    </header>
    ${chosen.freq_note && html`<p class="quiet">${chosen.freq_note}</p>`}
    <${ErrorNote} error=${past.error} retry=${past.refresh} />
    ${strange.found && html`<p role="status">${strangeWords(strange.found)}</p>`}
    ${current ? html`<${Chart} label=${chosen.name} ...${lines} time onReady=${(png) => (picture.current = png)} />` : !past.error && html`<${Skeleton} lines=${8} />`}
    ${results.length > 0 && html`<${Scores} results=${results} />`}
  </section>`;
}

const LEVEL = 95;

/** Values outside their intervals, once they were asked for: `found` is their part of the API's answer. */
function useStrange(address, tsId, version) {
  const [kept, keep] = useState(null);
  const look = () => attempt(async () => {
    const answer = await get(`${address}anomalies/`, { query: { ts_id: tsId, level: LEVEL } });
    keep({ tsId, version, found: answer.series[0] });
  });
  const found = kept?.tsId === tsId && kept.version === version ? kept.found : null;
  return { found, look };
}

const marked = (lines, found) => (found?.anomalies.length ? withDots(lines, `outside ${LEVEL} %`, found.anomalies.map((each) => each.timestamp), found.anomalies.map((each) => each.actual)) : lines);

function strangeWords(found) {
  const number = found.anomalies.length;
  const looked = found.looked_at ? ` of the ${count(found.looked_at)} last ones, each forecast by ${found.rolled_by} from what was before it` : "";
  const chance = found.looked_at ? ` By chance alone it would be about ${count(Math.round(found.looked_at * (1 - LEVEL / 100)))}.` : "";
  return `${counted(number, "value")}${looked} lay outside the ${LEVEL} % interval.${chance}${found.note ? ` ${found.note}.` : ""}`;
}

function Scores({ results }) {
  const names = Object.keys(SCORES).filter((name) => results.some((each) => each.metrics && name in each.metrics));
  const columns = [
    { key: "model", label: "Model", value: (it) => it.model_name, cell: (it) => html`${it.model_name}${it.answered_by ? html` <span class="quiet">by ${it.answered_by}</span>` : ""}` },
    ...names.map((name) => ({ key: name, label: name, number: true, value: (it) => it.metrics?.[name] ?? null, cell: (it) => number(it.metrics?.[name]) })),
    { key: "said", label: "Settings", sortable: false, wide: true, value: (it) => it.error ?? "", cell: (it) => (it.error ? html`<${Badge} kind="bad">failed<//> ${it.error}` : html`<span class="quiet" title=${configOf(it)}>${configOf(it)}</span>`) },
  ];
  return html`<${Table} label="Scores of this series" columns=${columns} rows=${results} rowKey=${(it) => it.model_name} />`;
}

const configOf = (result) => [...Object.entries(result.config ?? {}).map(([name, value]) => `${name} ${value}`), result.note].filter(Boolean).join(", ");
