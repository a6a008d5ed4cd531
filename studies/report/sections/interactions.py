"""Which parameters depend on one another."""

from collections.abc import Iterator, Sequence

from studies.analysis.shares.importance import Contribution
from studies.analysis.shares.tree import is_folded, show_when
from studies.analysis.views import PairView
from studies.analysis.words import no_interaction
from studies.report.bars import LEAST_SHOWN, MOST_BARS, bar_of
from studies.report.drawing.pair_figures import doubt_figure, drift_figure, score_figure
from studies.report.parts import Bars, Cell, Figure, Grid, Heading, Matrix, Part, Words
from studies.report.section import Material

TITLE, PLACE = "What interacts", 40
MOST_IN_MATRIX = 10


def parts(material: Material) -> Sequence[Part]:
    """Show bars, the matrix, and the figures of the strongest pairs; or how large a pair would have shown."""
    if material.analysed is None:
        return []
    analysis, views = material.analysed
    importance = analysis.importance
    drawn = [part for view in views.pairs for part in _pair(material, view)]
    if said := no_interaction(importance):
        return [Words(said), *drawn]  # a pair that was asked for is drawn all the same
    pairs = [
        effect for effect in importance.pairs if (effect.share or 0) >= LEAST_SHOWN and not is_folded(effect)
    ][:MOST_BARS]
    if not pairs:
        return drawn
    caption = f"Each pair, beyond its two parameters: share of the variance of {analysis.what} (%)"
    shown: list[Part] = [Bars(caption, [bar_of(effect) for effect in pairs])]
    main = importance.main if importance.evidence.has_structure else ()
    if matrix := _matrix(main, importance.pairs):
        note = (
            f"Shares of the variance of {analysis.what} in percent; on the diagonal what a parameter "
            "explains alone, empty below half a percent. * stands where the second exists on one branch of "
            'the first only, so that this branch is where it matters; "never" where two parameters have no '
            "branch in common."
        )
        shown += [Heading("The interaction matrix"), matrix, Words(note, is_note=True)]
    return [*shown, *drawn]


def _pair(material: Material, view: PairView) -> Iterator[Part]:
    if material.analysed is None:
        return
    analysis, subject, effect = material.analysed[0], material.subject, view.effect
    first, second = (material.nodes[name] for name in view.projection.names)
    note = (
        f"{100 * (effect.share or 0):.0f}% of the variance of {analysis.what} "
        f"({100 * (effect.low or 0):.0f} to {100 * (effect.high or 0):.0f}), {effect.trials} trials; exists "
        f"{'always' if not effect.when else 'when ' + show_when(effect.when)}. Averaged over all others."
    )
    if view.coordinate is not None:
        removed = min(view.coordinate.removed, 0.99)
        note += f" Along {view.coordinate.formula} about {removed:.0%} of this interaction is gone."
    yield Heading(f"{first.name} x {second.name}")
    yield Words(note, is_note=True)
    doubt = doubt_figure(analysis, view.projection, (first, second))
    how = (
        "with 90% bands"
        if doubt is None
        else "with the trials (circles completed, triangles pruned, crosses diverged): the darker, the lower"
    )
    score = score_figure(analysis, view.projection, (first, second), subject.trials)
    figures = [Figure(score, note=f"The expected {subject.metric}, {how}")]
    if doubt is not None:
        figures.append(Figure(doubt, note="How unsure that is: the darker, the surer"))
    figures.append(Figure(drift_figure(view.drift, (first, second)), note="Where the best value lies"))
    yield Grid(figures, is_wide=True)


def _matrix(main: Sequence[Contribution], pairs: Sequence[Contribution]) -> Matrix | None:
    """Arrange the shares of those parameters that take part in most."""
    involved = {effect.names[0]: effect.share or 0.0 for effect in main if effect.total is not None}
    for effect in pairs:
        for name in effect.names:
            involved[name] = involved.get(name, 0.0) + (effect.share or 0.0)
    names = sorted(involved, key=lambda name: -involved[name])[:MOST_IN_MATRIX]
    names = [name for name in names if involved[name] >= LEAST_SHOWN]
    if len(names) < 2:  # noqa: PLR2004 - a matrix of pairs
        return None
    shares = {frozenset(effect.names): effect for effect in (*main, *pairs)}
    rows = [
        [_cell(shares.get(frozenset({row, column}))) for column in names[: index + 1]]
        for index, row in enumerate(names)
    ]
    return Matrix(names, rows)


def _cell(effect: Contribution | None) -> Cell:
    if effect is None or effect.trials == 0:
        return Cell("never", 0.0, "The two never exist together.")
    share = effect.share or 0.0
    # A pair of a choice and what exists on one of its branches only: that it exists is the interaction.
    mark = "*" if set(effect.names) & set(effect.when) else ""
    text = "" if share < LEAST_SHOWN else f"{100 * share:.0f}{mark}"
    title = (
        f"{' x '.join(effect.names)}: {100 * share:.1f}% ({100 * (effect.low or 0):.1f} to "
        f"{100 * (effect.high or 0):.1f}), {effect.trials} trials, exists when "
        f"{show_when(effect.when) or 'always'}"
    )
    return Cell(text, round(min(share * 1.5, 0.75), 3), title)
