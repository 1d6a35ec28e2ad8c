"""Paints `report.json` of a quantised model as `report.png` beside it.

usage: report_picture.py MODEL-int8
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def paint(folder: Path) -> Path:
    report = json.loads((folder / "report.json").read_text())
    rows = report["products"]
    names = [row["product"].removesuffix("/product") for row in rows]
    places = range(len(rows))
    colours = ["#3b6ea5" if row["quantised"] else "#d9822b" for row in rows]
    figure, axes = plt.subplots(1, 3, figsize=(15, 0.24 * len(rows) + 2), sharey=True, layout="constrained")
    columns = [
        ("points whose class changes (%)", [100 * (1 - row["alone"]["agreement"]) for row in rows]),
        ("embedding L1 error, 99th percentile", [row["alone"]["embedding_p99"] for row in rows]),
        ("million multiply-accumulates", [row["multiply_accumulates"] / 1e6 for row in rows]),
    ]
    for axis, (title, values) in zip(axes, columns):
        axis.barh(places, values, color=colours)
        axis.set_title(title, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[1].axvline(report["target_embedding_p99"], color="black", linewidth=0.8, linestyle="--")
    axes[0].set_yticks(list(places), names, fontsize=7)
    axes[0].invert_yaxis()
    reached = report["reached"]
    share = 100 * report["float_share"]
    figure.suptitle(
        f"Each product alone in 8 bits (blue: 8 bits in the model, orange: floats, {share:.1f} % of the arithmetic)\n"
        f"together: argmax agreement {100 * reached['agreement']:.2f} %, "
        f"embedding L1 mean {reached['embedding_mean']:.3f}, p99 {reached['embedding_p99']:.3f}",
        fontsize=11,
    )
    path = folder / "report.png"
    partial = folder / ".report.png.part"
    figure.savefig(partial, format="png", dpi=120)
    partial.replace(path)
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "report.json").is_file():
        sys.exit(__doc__)
    print(paint(Path(sys.argv[1])))
