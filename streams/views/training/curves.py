"""The page of a visualization job: curves of what versions have measured, drawn from contract 004's data."""

import html
import json
from collections.abc import Sequence
from typing import Final

from fastapi import Response

from schemas.training_rows import TrainingVersionRecord, VisualizationJobRecord
from streams.codes.training import TrainingCode
from streams.errors import RejectedError
from streams.training.versions import workload_of
from streams.views.web.answers import json_response

__all__ = ["GoneError", "curves_page"]

_MOST_VERSIONS: Final = 20  # of a page; the latest
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:14px sans-serif;margin:2em}} svg{{border:1px solid #ccc}}
polyline{{fill:none;stroke:#4bc0c0;stroke-width:2}}</style><h1>{title}</h1><p>{where}</p><div id="curves">{none}</div>
<script type="application/json" id="versions">{versions}</script><script>{script}</script></html>"""
_SCRIPT: Final = """
const at = document.getElementById("curves");
async function draw() {
  const parts = [];
  for (const one of JSON.parse(document.getElementById("versions").textContent)) {
    const known = await (await fetch(one.metrics_url + "/available")).json();
    for (const metric of known.metrics || []) {
      const asked = one.metrics_url + "/data?metrics=" + encodeURIComponent(metric.name);
      const points = ((await (await fetch(asked)).json()).data || []).filter(it => it.value !== null);
      const head = document.createElement("h2");
      head.textContent = one.job_name + " " + one.version_name + ": " + metric.name;
      parts.push(head, curve(points));
    }
  }
  if (parts.length) at.replaceChildren(...parts);
}
function curve(points) {
  const made = name => document.createElementNS("http://www.w3.org/2000/svg", name);
  const svg = made("svg"), line = made("polyline");
  const xs = points.map(it => it.iteration), ys = points.map(it => it.value);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = it => [20 + 560 * (it.iteration - x0) / (x1 - x0 || 1), 180 - 160 * (it.value - y0) / (y1 - y0 || 1)];
  svg.setAttribute("width", 600); svg.setAttribute("height", 200); svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", points.length + " points from " + y0 + " to " + y1);
  line.setAttribute("points", points.map(it => place(it).join(",")).join(" "));
  svg.append(line);
  return svg;
}
draw(); setInterval(draw, 5000);
"""


class GoneError(RejectedError):
    """It was shown once, and is no more (T-182)."""

    status = 410

    def __init__(self, job_id: int) -> None:
        super().__init__(
            TrainingCode.FAILED_OPERATION, f"visualization job {job_id} has stopped: restart it to see its page"
        )


def curves_page(
    record: VisualizationJobRecord, versions: Sequence[TrainingVersionRecord], *, as_json: bool
) -> Response:
    """The page, or what it is made of."""
    shown = [
        {
            "job_id": one.job_id,
            "job_name": one.job_name,
            "version_id": one.version_id,
            "version_name": one.version_name,
            "status": one.status,
            "workload_uid": (uid := workload_of(one.job_id, one.version_id)),
            "metrics_url": f"/api/v1/workloads/{uid}/metrics",
        }
        for one in versions[:_MOST_VERSIONS]
    ]
    if as_json:
        told = {"is_success": True, "job_id": record.job_id, "job_name": record.job_name}
        return json_response({**told, "train_url": record.train_url, "versions": shown})
    none = "No version writes there yet." if not shown else "Loading the curves."
    content = _PAGE.format(
        title=html.escape(record.job_name),
        where=html.escape(record.train_url),
        none=none,
        versions=json.dumps(shown).replace("<", "\\u003c"),
        script=_SCRIPT,
    )
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"
    return Response(content, media_type="text/html", headers={"Content-Security-Policy": policy})
