// Endpoints of trained DeepAR models, models that people have uploaded, services of them, and runs over data sets.
import { html } from "../../lib/html.js";
import { href } from "../../lib/router.js";
import { Tabs } from "../../ui/tabs.js";
import { Endpoint } from "./endpoint.js";
import { Endpoints } from "./endpoints.js";
import { Model } from "./model.js";
import { Models } from "./models.js";
import { ScoringJob } from "./scoring-job.js";
import { Runs } from "./runs.js";
import { Service } from "./service.js";
import { Services } from "./services.js";

const VIEWS = {
  uploaded: { label: "Uploaded models", List: Models, One: Model },
  services: { label: "Services", List: Services, One: Service },
  runs: { label: "Runs over data sets", List: Runs, One: ScoringJob },
  endpoints: { label: "DeepAR endpoints", List: Endpoints, One: Endpoint },
};
const TABS = Object.entries(VIEWS).map(([name, { label }]) => ({ name, label, href: href("models", [name]) }));

export function Page({ parts, query }) {
  const current = VIEWS[parts[0]] ? parts[0] : "uploaded";
  const { List, One, label } = VIEWS[current];
  const name = parts[1];
  if (name) {
    return html`<nav aria-label="Where you are" class="trail"><a href=${href("models")}>Models</a> / <a href=${href("models", [current])}>${label}</a></nav>
      <${One} key=${`${current}/${name}`} name=${name} query=${query} />`;
  }
  return html`<div class="page-head"><h1>Endpoints and models</h1></div>
    <${Tabs} label="Endpoints and models" tabs=${TABS} current=${current} />
    <${List} query=${query} />`;
}
