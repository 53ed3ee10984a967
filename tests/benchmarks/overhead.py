"""What the orchestrator costs: wall time of a study over what its stacks take on as many slots, and memory.

    python tests/benchmarks/overhead.py --seconds 2 --stacks 60
    python tests/benchmarks/overhead.py --seconds 60 --stacks 8
    python tests/benchmarks/overhead.py --stacks 10000

A study of as many stacks of five RNNs is run by `orch study run` in a folder of its own; shorter ones before
it say how many epochs make up the seconds asked for (none asked for: one epoch of one minibatch, as little as
there is). What stacks take is what their workers measured: training and evaluation. The rest is starting Ray,
planning, handing out, journalling, the database. The driver's memory is the most that it held.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PER_STACK = 5
STUDY = """
grid = {{ system = ["lorenz63"], architecture = ["rnn"] }}
regimes = {{ sparse_forcing = {{ tau = {taus} }} }}
seeds = {{ count = {seeds} }}
evaluation = {{ checkpoints = 0, steps = {steps} }}
[training]
epochs = {epochs}
sequence_length = {length}
batches_per_epoch = {batches}
batch_size = {rows}
"""
WORK = """
WITH stacks AS (
    SELECT stack_id, any_value(train_seconds + evaluate_seconds) AS seconds, max(epoch(finished_at)) AS ended,
           count(*) AS trials, count(*) FILTER (status = 'failed') AS failed FROM trials GROUP BY stack_id)
SELECT sum(seconds) AS work, median(seconds / trials) * {whole} AS middle, count(*) AS stacks,
       sum(failed) AS failed,
       (SELECT max(ended) - avg(ended) FROM (FROM stacks ORDER BY ended DESC LIMIT {slots})) AS waited
FROM stacks
"""


def run(folder: Path, name: str, *, stacks: int, tiny: bool, epochs: int) -> dict[str, float]:
    """Run such a study to its end: its wall time, what its stacks took, and the driver's memory."""
    taus = min(stacks, 500)
    length = max(taus, 2 if tiny else 200)
    batches, rows, steps = (1, 1, 1000) if tiny else (10, 32, 20_000)
    text = STUDY.format(
        taus=list(range(1, taus + 1)), seeds=PER_STACK * math.ceil(stacks / taus), epochs=epochs,
        length=length, batches=batches, rows=rows, steps=steps,
    )  # fmt: skip
    (folder / "studies").mkdir(exist_ok=True)
    (folder / "studies" / f"{name}.toml").write_text(text)
    results = folder / name
    orch = [sys.executable, "-m", "orchestrator"]
    began = time.perf_counter()
    with (folder / "said").open("w") as said:
        command = [*orch, "study", "run", name, "--results", str(results)]
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        memory = 0
        while process.poll() is None:
            time.sleep(0.02)
            memory = max(memory, most_memory(process.pid))
    wall = time.perf_counter() - began
    if process.returncode:
        raise SystemExit((folder / "said").read_text())
    query = WORK.format(slots=os.cpu_count() or 1, whole=PER_STACK)
    asked = [*orch, "sql", query, "--results", str(results), "--format", "json"]
    (found,) = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    return {**found, "wall": wall, "memory": memory / 1024}


def most_memory(pid: int) -> int:
    """KiB that a process has held at most; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stacks", type=int, default=60)
    parser.add_argument("--seconds", type=float, help="that one stack takes; none: as few as there can be")
    parser.add_argument("--repeat", type=int, default=1, help="so many studies, one after the other")
    asked, slots = parser.parse_args(), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as at:
        folder, epochs, tiny = Path(at), 1, asked.seconds is None
        if not tiny:
            few, more = 20, 220
            at_few, at_more = (
                run(folder, f"first{epochs}", stacks=2 * slots, tiny=False, epochs=epochs)["middle"]
                for epochs in (few, more)
            )
            epochs = few + max(1, round((asked.seconds - at_few) * (more - few) / (at_more - at_few)))
        print(f"{asked.stacks} stacks of {PER_STACK} networks, {slots} slots, {epochs} epochs", flush=True)
        for place in range(asked.repeat):
            found = run(folder, f"study{place}", stacks=asked.stacks, tiny=tiny, epochs=epochs)
            least = found["work"] / slots
            over = (found["wall"] - least) * slots / found["stacks"]
            last = found["waited"] * slots / found["stacks"]
            print(
                f"{found['stacks']:.0f} stacks, {found['failed']:.0f} failed trials; "
                f"one of {PER_STACK} takes {found['middle']:.2f} s (median); "
                f"wall {found['wall']:.1f} s, of which {least:.1f} s theirs: {found['wall'] / least:.3f}; "
                f"{1000 * over:.0f} ms more for each, of which {1000 * last:.0f} ms that slots were empty "
                f"while the last stacks ended; the driver held {found['memory']:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
