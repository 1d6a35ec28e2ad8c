"""The training curve: `curve.csv`, one row every few seconds, and `curve.png`."""

import csv
import os
import pathlib

COLUMNS = [
    "step", "blocks", "minutes", "points", "lr", "loss", "classify", "pull", "push", "regulariser", "accuracy",
    "blocks_per_second", "waiting", "validation_loss", "validation_classify", "validation_pull", "validation_push",
    "validation_accuracy", "validation_miou", "validation_assigned",
]


class Curve:
    """Appends rows. On resuming, rows after the checkpoint's step are dropped: they will come again."""

    def __init__(self, folder, resumed_at=None):
        self.path = pathlib.Path(folder) / "curve.csv"
        kept = []
        if resumed_at is not None and self.path.exists():
            with open(self.path, newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= resumed_at]
        with open(self.path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def add(self, row):
        """Values by column name; absent ones stay empty."""
        row = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)

    def draw(self):
        """Draws `curve.png` beside the table."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        with open(self.path, newline="") as file:
            rows = list(csv.DictReader(file))

        def series(name):
            pairs = [(float(row["blocks"]), float(row[name])) for row in rows if row[name]]
            return zip(*pairs) if pairs else ([], [])

        figure, (left, right, rate) = pyplot.subplots(1, 3, figsize=(16, 4.5))
        for name, style in (("loss", "-"), ("classify", "-"), ("pull", "-"), ("push", "-"),
                            ("validation_loss", "o"), ("validation_classify", "o")):
            left.plot(*series(name), style, label=name, markersize=3)
        left.set(xlabel="blocks", ylabel="loss", yscale="log")
        for name, style in (("accuracy", "-"), ("validation_accuracy", "o-"), ("validation_miou", "o-"),
                            ("validation_assigned", "o-")):
            right.plot(*series(name), style, label=name, markersize=3)
        right.set(xlabel="blocks", ylim=(0, 1))
        rate.plot(*series("lr"), label="lr")
        rate.set(xlabel="blocks", ylabel="learning rate")
        for axes in (left, right, rate):
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8)
        figure.tight_layout()
        partial = self.path.with_name("curve.partial.png")
        figure.savefig(partial, dpi=110)
        pyplot.close(figure)
        os.replace(partial, self.path.with_name("curve.png"))
