"""The README's first job, exactly as it is printed there."""

import json
import re
import subprocess
from pathlib import Path

from tests.integration.services import running_service

_ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"<!-- tested: .*? -->\n```bash\n(.*?)```", re.DOTALL)


def test_the_first_job_of_the_readme_works_as_printed(tmp_path: Path) -> None:
    """Copied and pasted, the commands end with the results of two models, a week ahead."""
    blocks = _BLOCK.findall((_ROOT / "README.md").read_text("utf-8"))
    assert len(blocks) == 1

    with running_service(tmp_path) as service:
        script = blocks[0].replace("http://127.0.0.1:8080", service.stack.url)
        ran = subprocess.run(["bash", "-euc", script], cwd=_ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    # The last line, which nothing ends, is the answer of the last command; it begins behind those before it.
    answer, _ = json.JSONDecoder().raw_decode(ran.stdout, ran.stdout.rindex('{"status":3'))
    results = answer["results"][0]["results"]
    assert [result["model_name"] for result in results] == ["LinearFit", "AdaptiveMaxN"]
    assert [len(result["predictions"]) for result in results] == [7, 7]
    assert results[0]["timestamps"][0] == "2014-01-01 00:00:00"
    assert set(results[1]["metrics"]) == {"mae", "mase", "smape"}
