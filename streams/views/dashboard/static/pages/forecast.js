// Page 1: from a file to forecasts. `#/forecast` chooses data, `…/data/7` its columns, `…/job/9` trains and shows.
import { html } from "../lib/html.js";
import { Columns } from "./forecast/columns.js";
import { Job } from "./forecast/job.js";
import { Start } from "./forecast/start.js";

export function Page({ parts, query }) {
  const [kind, id] = parts;
  if (kind === "data" && id) return html`<${Columns} key=${id} dataId=${id} jobId=${query.job} />`;
  if (kind === "job" && id) return html`<${Job} key=${id} jobId=${id} query=${query} />`;
  return html`<${Start} />`;
}
