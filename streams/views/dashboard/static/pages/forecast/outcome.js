// What came of a job, in parts: models compared, what came since, sums, what features add, a second model, alerts.
import { html } from "../../lib/html.js";
import { href } from "../../lib/router.js";
import { Tabs } from "../../ui/tabs.js";
import { Alerts } from "../health/alerts.js";
import { Compare } from "./compare.js";
import { Judged } from "./judged.js";
import { Shadow } from "./shadow.js";
import { Sums } from "./sums.js";
import { Why } from "./why.js";

/** `rows` as `Compare` takes them; `columns`: what the job is grouped by; `features`: columns that may be. */
export function Outcome({ job, address, query, rows, chosen, columns, features, onChoose }) {
  const parts = [
    ["models", "Models compared"],
    ["came", "What came since"],
    ...(columns.length ? [["sums", "Sums"]] : []),
    ...(features.length ? [["why", "What features add"]] : []),
    ...(job.refresh?.length ? [["shadow", "Shadow"]] : []),
    ["alerts", "Alerts"],
  ];
  const part = parts.some(([name]) => name === query.part) ? query.part : "models";
  const tabs = parts.map(([name, label]) => ({ name, label, href: href("forecast", ["job", job.job_id], { ...query, part: name === "models" ? "" : name }) }));
  const [, label] = parts.find(([name]) => name === part);
  return html`<section class="card" aria-label=${label}>
    <h2 class="visually-hidden">${label}</h2>
    <${Tabs} label="What came of it" tabs=${tabs} current=${part} />
    ${part === "models" && html`<${Compare} rows=${rows} chosen=${chosen} onChoose=${onChoose} />`}
    ${part === "came" && html`<${Judged} address=${address} onChoose=${onChoose} />`}
    ${part === "sums" && html`<${Sums} address=${address} columns=${columns} version=${rows.length && job.submitted} name=${job.name ?? job.job_id} />`}
    ${part === "why" && html`<${Why} address=${address} chosen=${chosen} version=${rows.length && job.submitted} />`}
    ${part === "shadow" && html`<${Shadow} job=${job} address=${address} onChoose=${onChoose} />`}
    ${part === "alerts" && html`<${Alerts} only=${{ job_id: job.job_id }} onChoose=${onChoose} />`}
  </section>`;
}
