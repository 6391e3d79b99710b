"""The tables: ratios first, then times, then what a reader needs in order to doubt them."""

from __future__ import annotations

from typing import Any

INTRODUCTION = """\
Written by `make bench`; every figure of a row comes from one run on one machine, and the details say when. Ratio: time
of thalweg divided by time of the peer (below 1: thalweg is faster), both medians over rounds in which the sides take
turns. The same data, order, start, precision and number of steps on every side; before timing, every side's parameters
on a small problem are compared with plain NumPy in float64. Work of one thread is timed in processor seconds, which a
busy machine hardly changes and which are the seconds of an idle one; work of two threads by the clock on the wall.
"""

LEGEND = """\
*First call's extra*: what the first call took beyond a later one (compiling, loading, first touch of memory); it is
in no other figure. *Difference*: Euclidean distance of the final parameters from the reference, over the distance
that the reference moved, with its limit.
"""


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    units = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))
    scale, unit = next((one for one in units if seconds < 999.5 * one[0]), units[-1])
    return f"{seconds / scale:.3g} {unit}"


def _ratio(value: float) -> str:
    return f"{value:.2g}" if value < 0.995 else f"{value:.2f}"


def _rows(case: dict[str, Any]) -> list[list[str]]:
    ours, *peers = case["sides"]
    mine = duration(ours["seconds"]) if "seconds" in ours else ours["status"]
    rows = []
    if case["within"] is not None:
        judged = "-" if ours["reached"] is None else "yes" if ours["reached"] else "**no**"
        busy = "seconds" in ours and not case["quiet"]
        rows.append(["the clock", "-", f"<= {duration(case['within'])}", "machine busy" if busy else judged, mine, "-"])
    for peer in peers:
        ratio = "-" if peer["ratio"] is None else _ratio(peer["ratio"])
        target = "-" if peer["at_most"] is None else f"<= {peer['at_most']:.3g}"
        if case["beyond"] is not None and peer is peers[0]:
            ratio = "-" if peer["beyond"] is None else f"+{duration(peer['beyond'])}"
            target = f"<= +{duration(case['beyond'])}"
        judged = peer["at_most"] is not None and "seconds" in ours and "seconds" in peer and not case["quiet"]
        reached = (
            "machine busy" if judged else "-" if peer["reached"] is None else "yes" if peer["reached"] else "**no**"
        )
        theirs = duration(peer["seconds"]) if "seconds" in peer else peer["status"]
        doubt = "" if peer.get("agrees", True) else " (other result!)"
        rows.append([peer["name"] + doubt, ratio, target, reached, mine, theirs])
    if not ours.get("agrees", True):
        rows.append(["thalweg: other result than the reference!", "-", "-", "**no**", mine, "-"])
    return rows


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    right = {"ratio", "target", "ours", "peer's time", "median", "scikit-learn", "epochs"}
    rule = ["---:" if name in right or name.startswith("ns") else "---" for name in header]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)]


def _plural(unit: str) -> str:
    return f"{unit}es" if unit.endswith("s") else f"{unit}s"


def _rounds(one: dict[str, Any]) -> str:
    repeated = f", {one['repeated']} more left out because others needed the processors" if one["repeated"] else ""
    kind = {"cpu": "processor seconds", "wall": "wall clock"}[one.get("clock", "wall")]
    return (
        f"{kind}; {one['rounds']} rounds{repeated}; other processes had {one['others']:.0%} of all processors meanwhile"
    )


def _when(case: dict[str, Any]) -> str:
    return f"; {case['date']}" if "date" in case else ""


def _detail(case: dict[str, Any]) -> list[str]:
    rows = []
    for side in case["sides"]:
        if "seconds" not in side:
            rows.append([side["name"], side["status"], "", "", "", side["note"]])
            continue
        low, high = min(side["rounds"]), max(side["rounds"])
        difference = (
            "not compared" if side["difference"] is None else f"{side['difference']:.0e} (<= {side['tolerance']:.0e})"
        )
        rows.append(
            [
                side["name"],
                f"{duration(side['seconds'])} ({duration(low)} to {duration(high)})",
                f"{side['units']:,}" if side["units"] >= 1 else f"{side['units']:.3g}",
                duration(side["compile"]),
                difference,
                side["note"],
            ]
        )
    header = [
        "side",
        "time, with fastest and slowest round",
        f"{_plural(case['unit'])} a round",
        "first call's extra",
        "difference",
        "note",
    ]
    return [
        f"### {case['name']}",
        "",
        f"{case['work']}. Per {case['unit']}; {_rounds(case)}{_when(case)}.",
        "",
        *_table(header, rows),
        "",
    ]


def _sheet(sheet: dict[str, Any]) -> list[str]:
    lines = [f"## {sheet['work']}", ""]
    if sheet["status"]:
        return [*lines, sheet["status"], ""]
    header = [sheet["name"], *(f"{unit} {column}" for column, unit in sheet["columns"].items())]
    rows = [[row, *(f"{value * 1e9:.2f}" for value in cells.values())] for row, cells in sheet["rows"].items()]
    return [*lines, *_table(header, rows), "", f"Medians; {_rounds(sheet)}.", ""]


def _contest(contest: dict[str, Any]) -> list[list[str]]:
    rows = []
    for match in contest["matches"]:
        low, high = match["difference"] - match["half"], match["difference"] + match["half"]
        fewer = match["epochs"] <= match["their_epochs"]
        rows.append(
            [
                contest["ours"],
                match["table"],
                f"{match['ours']:.3f}",
                f"{match['theirs']:.3f}",
                f"{match['difference']:+.3f} ({low:+.3f} to {high:+.3f})",
                match["verdict"],
                f"{match['epochs']:g} / {match['their_epochs']:g}{'' if fewer else ' **more**'}",
            ]
        )
    return rows


def _contests(contests: list[dict[str, Any]]) -> list[str]:
    """The table of defaults: one row for each estimator and table."""
    header = ["estimator", "table", "ours", "scikit-learn", "difference (95 % interval)", "ours is", "epochs"]
    pairs = ", ".join(f"{one['ours']} against {one['theirs']} ({one['score']})" for one in contests)
    rows = [row for one in contests for row in _contest(one)]
    matches = [match for one in contests for match in one["matches"]]
    good = sum(match["verdict"] != "worse" and match["epochs"] <= match["their_epochs"] for match in matches)
    return [
        "## Defaults, untouched",
        "",
        f"Test scores on a quarter of the rows, means over {contests[0]['seeds']} seeds, the same splits on both",
        f"sides; features standardised (sparse ones divided by their largest) by what the training rows hold. {pairs}.",
        "Epochs: medians, ours / scikit-learn's.",
        "",
        *_table(header, rows),
        "",
        f"At least as good within as many epochs: {good} of {len(matches)}.",
        "",
    ]


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    cases = [one for one in results["cases"] if one["kind"] == "case"]
    sheets = [one for one in results["cases"] if one["kind"] == "sheet"]
    contests = [one for one in results["cases"] if one["kind"] == "contest"]
    lines = [
        "# Benchmarks",
        "",
        INTRODUCTION,
        "## Ratios",
        "",
    ]
    header = ["work", "peer", "ratio", "target", "reached", "ours", "peer's time"]
    rows = []
    for case in cases:
        for position, cells in enumerate(_rows(case)):
            rows.append([f"{case['work']} (per {case['unit']})" if position == 0 else "", *cells])
    lines += [*_table(header, rows), ""]
    wanted = [side["reached"] for case in cases for side in case["sides"] if side["reached"] is not None]
    if wanted:
        lines += [f"Targets reached: {sum(wanted)} of {len(wanted)}.", ""]
    if contests:
        lines += _contests(contests)
    for sheet in sheets:
        lines += _sheet(sheet)
    lines += ["## Machine", "", *_table(["what", "value"], [[k, v] for k, v in results["machine"].items()]), ""]
    lines += [
        "## Sides in detail",
        "",
        LEGEND,
    ]
    for case in cases:
        lines += _detail(case)
    return "\n".join(lines).rstrip() + "\n"
