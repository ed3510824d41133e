"""A crash point kills the process at once, at the nth passing, and nowhere else."""

import signal
import subprocess
import sys

from config.runtime.crashpoints import never

PROGRAM = """
from config.runtime.crashpoints import Crash
crash_here = Crash("here", 2)
for point in ("here", "elsewhere", "here"):
    print(point, flush=True)
    crash_here(point)
print("survived")
"""


def test_it_dies_at_the_second_passing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["here", "elsewhere", "here"]


def test_who_never_crashes_goes_on() -> None:
    never("here")
