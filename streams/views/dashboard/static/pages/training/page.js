// Training: jobs and their versions, and the metrics of every workload.
import { html } from "../../lib/html.js";
import { href, setQuery } from "../../lib/router.js";
import { Tabs } from "../../ui/tabs.js";
import { Compare } from "./compare.js";
import { Form } from "./form.js";
import { Job } from "./job.js";
import { Jobs } from "./jobs.js";
import { DEFAULT_PROJECT, kept, projectOf } from "./paths.js";

export function Page({ parts, query }) {
  const [first, second] = parts;
  const project = projectOf(query);
  if (first === "new") return html`<${Form} key="new" project=${project} from=${query.from} />`;
  if (first === "metrics") return html`<${Head} project=${project} current="metrics" /><${Compare} query=${query} />`;
  if (first && second === "new") return html`<${Form} key=${`new-${first}`} project=${project} job=${first} from=${query.from} />`;
  if (first) return html`<${Job} key=${first} project=${project} job=${first} version=${second} query=${query} />`;
  return html`<${Head} project=${project} current="jobs" /><${Jobs} project=${project} query=${query} />`;
}

function Head({ project, current }) {
  const tabs = [
    { name: "jobs", label: "Jobs", href: href("training", [], kept(project)) },
    { name: "metrics", label: "Metrics of all workloads", href: href("training", ["metrics"], kept(project)) },
  ];
  return html`
    <div class="page-head">
      <h1>Training</h1>
      ${current === "jobs" &&
      html`<div class="row"><label class="quiet" for="project">Project</label>
        <input id="project" type="text" class="short" value=${project} spellcheck=${false} maxlength="64" onChange=${(event) => setQuery({ project: named(event.target.value) })} /></div>
        <a class="button primary" href=${href("training", ["new"], kept(project))}>New training job</a>`}
    </div>
    <${Tabs} label="Training" tabs=${tabs} current=${current} />
  `;
}

function named(text) {
  const name = text.trim();
  return name === DEFAULT_PROJECT ? "" : name;
}
