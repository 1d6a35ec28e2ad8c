"""Times scikit-learn's mean-shift on golden files: one line `FILE SECONDS` each, fastest of the runs.

Usage: time_scikit_learn.py RUNS FILE.npz ...

Run by benches/grouping/main.rs, so that both sides are measured on the same machine in the same run.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.cluster import MeanShift


def fastest(embeddings: np.ndarray, bandwidth: float, runs: int) -> float:
    """Seconds of the fastest of `runs` fits, after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        MeanShift(bandwidth=bandwidth, bin_seeding=True).fit(embeddings)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main() -> None:
    warnings.simplefilter("ignore")
    runs = int(sys.argv[1])
    for path in sys.argv[2:]:
        archive = np.load(path)
        # The reference's 0.6, not the nearest float32.
        bandwidth = float(str(archive["bandwidth"]))
        print(path, fastest(archive["embeddings"], bandwidth, runs), flush=True)


if __name__ == "__main__":
    main()
