"""docs/user-code.md says what is so."""

import re
import shlex
import subprocess
import sys

from streams.settings import Settings
from tests.unit.connectors.user_code.conftest import ROOT

PAGE = (ROOT / "docs" / "user-code.md").read_text("utf-8")


def test_its_command_tells_what_holds_programs_here() -> None:
    (block,) = re.findall(r"<!-- tested: .*? -->\n```bash\n(.*?)```", PAGE, re.DOTALL)
    command = shlex.split(block)
    assert command[0] == ".venv/bin/python"
    ran = subprocess.run([sys.executable, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert re.match("bubblewrap|sandlock", ran.stdout)


def test_its_table_has_all_settings_of_user_code_with_their_defaults() -> None:
    told = dict(re.findall(r"^\| `TIDECAST_(\w+)` \| `(.*?)` \|", PAGE, re.MULTILINE))
    fields = Settings.model_fields
    names = {name for name in fields if name.startswith("user_code")} | {"max_training_job_s", "max_log_bytes"}

    assert told == {name.upper(): str(fields[name].default) for name in names}
