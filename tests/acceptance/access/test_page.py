"""docs/access.md: its commands, exactly as they are printed, against a service with access control on."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.access.conftest import People
from tests.integration.services import Service

_PAGE = Path(__file__).parents[3] / "docs" / "access.md"
_BLOCK = re.compile(
    r"^( *)<!-- tested: tests/acceptance/access/test_page.py -->\n *```(bash|python)\n(.*?)^ *```",
    re.DOTALL | re.MULTILINE,
)


def test_every_command_of_the_page_works_as_printed(guarded: Service, people: People, tmp_path: Path) -> None:
    """In their order, in one shell, as one person."""
    lines = []
    for indent, kind, block in _BLOCK.findall(_PAGE.read_text("utf-8")):
        script = re.sub(f"^{indent}", "", block, flags=re.MULTILINE).replace("http://127.0.0.1:8080", people.url)
        lines.append(script if kind == "bash" else f"python3 - <<'END'\n{script}END\n")
    environment = os.environ | {
        "ADMIN_PASSWORD": people.told["password"],
        "ADMIN_TOKEN": people.token("admin", people.told["password"]),
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TIDECAST_HOME": str(guarded.settings.home),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    command = ["bash", "-euc", "\n".join(lines)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(lines) == 8
    for words in (
        "admin is logged in, project default",
        "admin, project default, admin",
        "project retail is added",
        "project retail has its quotas: jobs=100, series=50000",
        "of 100 (its own)",
        "password, told this once:",
        "kim, project retail, operator",
    ):
        assert words in ran.stdout, ran.stdout
    kept = tmp_path / "config" / "tidecast" / "logins.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "404" in ran.stdout
    for word in ("kim", "lee"):
        assert people.admin.delete(f"/access/users/{word}").status_code in (204, 404)
