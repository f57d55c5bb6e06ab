"""The page's example with stable-baselines3: ``python -m tests.simulator.benchmark.ppo_check``.

Needs that library, which nothing else here does.  It trains for some steps, enters the benchmark
with what it has learned, and fails unless the episodes are its own and whole.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from nitropilot.children import module_environment
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.runner.running import run
from nitropilot.simulator.benchmark.runner.suites import choose_tasks
from nitropilot.simulator.benchmark.runner.wishes import Wish

PAGE = Path(__file__).parents[3] / "docs" / "benchmark.md"
STEPS = "256"


def main() -> None:
    """Train, enter, and hold the result against what it must be."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (code,) = [block for block in blocks if "stable_baselines3" in block]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ppo.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "ppo.py", STEPS]
        subprocess.run(command, cwd=folder, env=module_environment(), check=True)
        entry = parse_entry(f"{folder / 'ppo.py'}:play")
        run(Wish(tuple(choose_tasks("arcade", tasks=["pulse-1"])), (entry,), (0, 1)), folder / "r")
        records = read_result(folder / "r").records
        assert check(folder / "r").sound
        assert [record.policy for record in records] == [entry.name] * 2
        assert all(record.end in ("won", "lost", "limit") for record in records), records
        print([(record.seed, record.end, record.progress) for record in records])


if __name__ == "__main__":
    main()
