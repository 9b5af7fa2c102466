// What a job forecasts again by itself: when, how often it did, and how that is ended.
import { patch, post } from "../../lib/api.js";
import { ago, counted, time } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { attempt, Note, toast } from "../../ui/feedback.js";

/** Nothing where nothing is forecast again. */
export function Standing({ job, address }) {
  const rules = job.refresh ?? [];
  if (!rules.length) return null;
  const faults = [...new Set(rules.map((each) => each.error).filter(Boolean))];
  async function now() {
    const answer = await attempt(() => post(`${address}refresh/`));
    if (!answer) return;
    for (const text of answer.errors ?? []) toast(text, { kind: "bad" });
    toast(answer.changed.length ? `${counted(answer.changed.length, "series", "series")} with new rows` : "No series has new rows", { kind: "good" });
  }
  async function end() {
    if (!(await confirm({ title: "Forecast nothing again?", text: "What is there stays; new rows are still compared with it.", action: "End it" }))) return;
    await attempt(() => patch(address, [{ ts_id: "all", refresh: "never" }]), { done: "Nothing is forecast again by itself" });
  }
  return html`<section class="card" aria-label="Forecast again">
    <div class="row"><span class="grow"><strong>Forecast again ${[...new Set(rules.map(whenOf))].join("; ")}.</strong>
        <span class="quiet"> ${job.refreshes ? `${counted(job.refreshes, "time")} by itself, the last ${ago(job.refreshed)}` : "Not yet"}${nextOf(rules)}.</span></span>
      <${Button} kind="small" onClick=${now}>Now<//>
      <${Button} kind="small" onClick=${end}>End<//>
    </div>
    ${faults.map((text) => html`<${Note} kind="bad">Not forecast again: ${text}<//>`)}
  </section>`;
}

function whenOf({ on, pause_s: pause, cron, time_zone: zone }) {
  if (on === "hand") return "when it is asked for";
  return on === "data" ? `as rows come${pause ? `, ${pause} s after the first` : ""}` : `by ${cron}${zone ? ` (${zone})` : ""}`;
}

function nextOf(rules) {
  const next = rules.map((each) => each.next).filter(Boolean).sort()[0];
  return next ? `; next ${time(next)}` : "";
}
