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

    def __init__(self, folder, title, resumed_at=None):
        self.title = title
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

        figure, (left, right, rate) = pyplot.subplots(1, 3, figsize=(16, 4.8), width_ratios=[5, 5, 3])
        for colour, (name, label) in enumerate((("loss", "loss"), ("classify", "classes"), ("pull", "pull"), ("push", "push"))):
            left.plot(*series(name), color=f"C{colour}", label=label, linewidth=1.2)
            left.plot(*series(f"validation_{name}"), "o", color=f"C{colour}", markersize=4)
        left.plot([], [], "o", color="grey", markersize=4, label="held-out blocks")
        left.set(xlabel="blocks", ylabel="loss", yscale="log")
        right.plot(*series("accuracy"), color="C0", label="accuracy, training", linewidth=1.2)
        for colour, (name, label) in enumerate((("accuracy", "accuracy"), ("miou", "mean IoU"), ("assigned", "nearest to own instance"))):
            right.plot(*series(f"validation_{name}"), "o-", color=f"C{colour}", markersize=4, linewidth=0.8, label=f"{label}, held out")
        right.set(xlabel="blocks", ylabel="share of points", ylim=(0, 1))
        rate.plot(*series("lr"), color="C4")
        rate.set(xlabel="blocks", ylabel="learning rate", ylim=(0, None))
        rate.ticklabel_format(axis="y", style="sci", scilimits=(-3, -3))
        stages = [(float(row["blocks"]), row["points"]) for row in rows if row["points"]]
        changes = [(b + c) / 2 for (b, before), (c, after) in zip(stages, stages[1:]) if before != after]
        for axes in (left, right, rate):
            axes.grid(alpha=0.3)
            for change in changes:
                axes.axvline(change, color="grey", linestyle=":", linewidth=1)
        # Below the axes: curves fill every corner of them.
        for axes in (left, right):
            axes.legend(fontsize=8, ncols=5 if axes is left else 2, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
        sizes = list(dict.fromkeys(points for _, points in stages))
        figure.suptitle(f"{self.title}, blocks of {' then '.join(sizes)} points" if sizes else self.title)
        figure.tight_layout()
        partial = self.path.with_name("curve.partial.png")
        figure.savefig(partial, dpi=110)
        pyplot.close(figure)
        os.replace(partial, self.path.with_name("curve.png"))
