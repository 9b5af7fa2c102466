"""docs/training.md, exactly as it is printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.services import Service

_ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"<!-- tested: tests/acceptance/training/test_page.py -->\n```bash\n(.*?)```", re.DOTALL)


def test_every_command_of_the_page_works_as_printed(user_code: Service, tmp_path: Path) -> None:
    """A script of one's own becomes a log, a model and a chart."""
    (tmp_path / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (tmp_path / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    (tmp_path / "examples").symlink_to(_ROOT / "examples")
    environment = os.environ | {"TIDECAST_HOME": str(user_code.settings.home), "MPLBACKEND": "agg"}
    said = []
    for block in _BLOCK.findall((_ROOT / "docs" / "training.md").read_text("utf-8")):
        script = block.replace("http://127.0.0.1:8080", user_code.stack.url)
        ran = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout)
    followed, created, ended, shown = said

    assert "Epoch 40/40 - loss: " in followed
    assert re.search(r"V0001 +\d+ +completed +40 ", followed)
    assert len(json.loads(followed.splitlines()[-1])["weights"]) == 11
    assert '"version_name":"V0001"' in created
    log, model = ended.splitlines()
    assert "Epoch 40/40 - loss: " in log
    assert "completed" in log
    assert len(json.loads(model)["weights"]) == 11
    assert "val_loss" in shown
    assert len(json.loads((tmp_path / "loss.json").read_text("utf-8"))["data"]) == 40
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
