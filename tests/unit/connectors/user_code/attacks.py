"""What hostile programs do; each prints what it reached. Arguments: a free port, a listening one, pids, a secret."""

from typing import Any

__all__ = ["ATTACKS", "LIMITS"]

LIMITS: dict[str, Any] = {
    "cpu_s": 3, "wall_s": 40.0, "memory_mib": 512, "processes": 64, "file_mib": 50, "total_file_mib": 100,
    "files": 1000, "open_files": 256,
}  # fmt: skip

_BEATS = """
import os, time
def beat(seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        open("beat", "a").write(".")
        time.sleep(0.05)
"""

# name: the program, and the limits that are others than LIMITS
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "forks": (
        """
import os, time
n = 0
try:
    for n in range(2000):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
except OSError:
    pass
print("forked", n, flush=True)
time.sleep(2)
""",
        {},
    ),
    "threads": (
        """
import threading, time
n = 0
try:
    for n in range(3000):
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
except RuntimeError:
    pass
print("threads", n, flush=True)
time.sleep(2)
""",
        {},
    ),
    "memory": ('bytearray(4 << 30)\nprint("reached")', {}),
    "memory of a group": (
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(400 << 20)
        for at in range(0, len(kept), 4096): kept[at] = 1
        time.sleep(30)
        os._exit(0)
time.sleep(30)
""",
        {"cpu_s": 60},
    ),
    "a big file": (
        """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("big", "wb", buffering=0) as file:
    try:
        for _ in range(2048): file.write(bytes(1 << 20))
    except OSError as error: print("refused", error.errno)
print("size", os.path.getsize("big") >> 20)
""",
        {},
    ),
    "big files": (
        """
for n in range(100):
    with open(f"big{n}", "wb") as file: file.write(bytes(40 << 20))
""",
        {"cpu_s": 60},
    ),
    "files without a name": (
        """
import os, time
kept = []
for n in range(10):
    kept.append(open(f"big{n}", "wb", buffering=0))
    os.unlink(f"big{n}")
    for _ in range(40): kept[-1].write(bytes(1 << 20))
print("all", flush=True)
time.sleep(30)
""",
        {"cpu_s": 60},
    ),
    "files in memory": (
        """
import os, time
kept = []
for n in range(10):
    kept.append(open(os.memfd_create("m"), "wb", buffering=0))
    for _ in range(40): kept[-1].write(bytes(1 << 20))
print("all", flush=True)
time.sleep(30)
""",
        {"cpu_s": 60},
    ),
    "many files": ('for n in range(200_000): open(f"f{n}", "w").close()\nprint("all")', {"cpu_s": 60}),
    "deep folders": (
        """
import os
for _ in range(900):
    os.mkdir("d")
    os.chdir("d")
print("all")
""",
        {"cpu_s": 60, "files": 10_000},
    ),
    "closed folders": (
        """
import os
os.mkdir("closed")
for n in range(1500): open(f"closed/f{n}", "w").close()
os.chmod("closed", 0)
""",
        {},
    ),
    "secrets": (
        """
import glob, sys
for name in ("/etc/shadow", "/etc/passwd", sys.argv[4], *glob.glob("/proc/[0-9]*/environ")):
    try: text = open(name, errors="replace").read()
    except OSError: continue
    if "hush" in text or not name.startswith("/proc/"): print("read", name)
import os
print("environment", sorted(os.environ))
""",
        {},
    ),
    "other places": (
        """
import os, sys
name = os.path.basename(os.path.dirname(sys.argv[4]))
for place in ("/usr", "/etc", "/", "/dev", "/var/tmp", sys.prefix, os.path.dirname(sys.argv[4]), "/sys", "/proc"):
    try: open(f"{place}/{name}", "w").close()
    except OSError: continue
    print("wrote", place)
""",
        {},
    ),
    "network": (
        """
import socket, sys
for family, place in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try: socket.socket(family).connect((place, int(sys.argv[2])))
    except OSError: continue
    print("connected", place)
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hush", ("127.0.0.1", int(sys.argv[2])))
except OSError: pass
try:
    door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    door.settimeout(1.5)
    door.accept()
    print("accepted")
except OSError: pass
""",
        {},
    ),
    "signals": (
        """
import os, sys
for pid in map(int, sys.argv[3].split(",")):
    for number in (0, 19, 18):
        try: os.kill(pid, number)
        except OSError: continue
        print("signalled", number)
""",
        {},
    ),
    "ptrace": (
        """
import ctypes, sys
libc = ctypes.CDLL(None)
for pid in map(int, sys.argv[3].split(",")):
    if libc.ptrace(16, pid, 0, 0) == 0: print("attached", pid)
""",
        {},
    ),
    "calls of the kernel": (
        """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
if os.fork() == 0:
    for name, call in (
        ("unshare", lambda: libc.unshare(0x10000000)),
        ("clone", lambda: libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x10000000 | 17, 0, 0, 0, 0)),
        ("keyctl", lambda: libc.syscall(250 if os.uname().machine == "x86_64" else 219, 0, -3, 1)),
        ("io_uring", lambda: libc.syscall(425, 1, 0)),
        ("clone3", lambda: libc.syscall(435, 0, 0)),
    ):
        if call() >= 0: os._exit(1)
        print(name, os.strerror(ctypes.get_errno()), flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
""",
        {},
    ),
    "root": (
        """
import os
for take in (os.setuid, os.setgid):
    try: take(0)
    except OSError: continue
    print("took", take)
print("user", os.getuid() == 0, os.getgid() == 0, [group for group in os.getgroups() if group == 0])
""",
        {},
    ),
    "an endless loop": ("while True: pass", {"cpu_s": 1, "wall_s": 30.0}),
    "an endless loop of many": (
        "import os\nfor _ in range(3): os.fork()\nwhile True: pass",
        {"cpu_s": 1, "wall_s": 30.0},
    ),
    "a daemon": (
        _BEATS
        + """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: beat()
    os._exit(0)
time.sleep(0.3)
print("left")
""",
        {},
    ),
    "a fork storm": (
        _BEATS
        + """
if os.fork() == 0:
    os.setsid()
    while True:
        try:
            if os.fork(): os._exit(0)
        except OSError: pass
        open("beat", "a").write(".")
time.sleep(0.5)
print("left")
""",
        {"cpu_s": 60},
    ),
    "a closed log": ("import os, time\nos.close(1); os.close(2)\ntime.sleep(0.5)\nos._exit(3)", {}),
    "a huge log": ("import os\nfor _ in range(64): os.write(1, bytes(1 << 20))\nprint(); print('end')", {}),
    "a crash": ("import os\nos.abort()", {}),
}
