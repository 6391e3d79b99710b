"""The page: everything a comparison found out, in one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence

from thalweg.comparison.audit import Stamp
from thalweg.comparison.paths import Paths
from thalweg.comparison.results import Results
from thalweg.comparison.summary import Summary
from thalweg.comparison.verdict import Verdict
from thalweg.descent.stability import Limit
from thalweg.report import tables
from thalweg.report.chart_data import chart_data
from thalweg.report.embedding import bokeh_scripts, check_extra, json_text, own, rendered
from thalweg.report.words import chart_words

_MADE = (
    "Made by thalweg {version}. The charts are drawn by Bokeh, which stands in this file; "
    "nothing is loaded from elsewhere."
)
_SCRIPTS = ("figures.js", "charts.js", "legend.js", "readout.js", "start.js")


def page(
    results: Results,
    summary: Summary,
    stamp: Stamp,
    verdict: Verdict,
    limits: Sequence[Limit] = (),
    paths: Paths | None = None,
) -> str:
    """Write a comparison as one self-contained HTML page.

    The page loads nothing: Bokeh stands in it, and its policy forbids any request and any script but its own. The same
    arguments give the same text.

    Parameters
    ----------
    results : Results
    summary : Summary
    stamp : Stamp
    verdict : Verdict
    limits : sequence of Limit
        Theory's largest stable rates; drawn beside the measured ones.
    paths : Paths, optional
        Descents of two parameters; drawn on one contour.

    Returns
    -------
    str
        To be written as UTF-8.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Bokeh or Jinja2 is not installed.
    """
    check_extra()
    from markupsafe import Markup

    paths_html, paths_script, paths_style = "", "", ""
    if paths is not None:
        from thalweg.report.paths import paths_section

        section = paths_section(paths, order=[standing.name for standing in summary.standings])
        paths_html, paths_script, paths_style = section.html, section.script, section.style
    scripts = [*bokeh_scripts(), f'(() => {{\n"use strict";\n{own(*_SCRIPTS)}}})();\n']
    if paths_script:
        scripts.append(paths_script)
    return rendered(
        "page.html.j2",
        own("page.css") + paths_style,
        scripts,
        made=_MADE,
        data=Markup(json_text(chart_data(results, summary, limits))),  # noqa: S704 - escaped for where it stands
        paths_html=Markup(paths_html),  # noqa: S704 - escaped where it is made
        title=tables.title(results),
        subtitle=tables.subtitle(results),
        verdict=tables.without_remedy(verdict.lines, stamp),
        stamp=stamp,
        findings=stamp.findings,
        names=[standing.name for standing in summary.standings],
        zooms=summary.best.median < summary.start,
        features=results.facts.features,
        warnings=results.facts.warnings,
        reproduce=results.facts.command,
        facts=tables.facts_groups(results),
        **chart_words(results, summary, stamp.ranking, limits),
    )
