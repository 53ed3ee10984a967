"""`orch report`: regimes against a baseline, exponents, theorems, τ; each with the evidence."""

from typing import Annotated, Any

import typer
import typer.core

from ..answers import declared
from ..errors import UsageError
from ..question import Question
from .output import Format, FormatOption, ResultsOption
from .report_figure import figure
from .show import show

UNNAMED = "studies"


class OfStudies(typer.core.TyperGroup):
    """`orch report STUDY…`: what begins with none of the group's commands is for one without a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put that one in front."""
        named = bool(args) and args[0] in self.commands and args[0] != UNNAMED
        return super().parse_args(ctx, args if named else [UNNAMED, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Leave its name out of the usage line."""
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == UNNAMED else name, command, rest


app = typer.Typer(cls=OfStudies, help="Regimes against a baseline; exponents, theorems, τ; figures.")


app.command("figure")(figure)


@app.command(UNNAMED, hidden=True)
def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(help="Studies to take trials from; all by default.", metavar="[STUDY]…"),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            help="The baseline regime, by name or as `clipping(max_norm=10)`.",
            show_default="clipping",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            help="What to compare by: d_stsp, d_h, psc; with `_published` by the authors' definition.",
            show_default="d_stsp",
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--over",
            help="What changes as this setting grows, such as noise, rho or latent_dim, and nothing else; of "
            "the page the rest stays.",
        ),
    ] = None,
    system: Annotated[
        list[str] | None, typer.Option("--system", help="Only this one; may be given more than once.")
    ] = None,
    architecture: Annotated[
        list[str] | None, typer.Option("--architecture", help="Only this one; may be given more than once.")
    ] = None,
    exponents: Annotated[
        bool,
        typer.Option(
            "--exponents", help="Instead: λ of the trained networks beside λ of the data, by regime and τ."
        ),
    ] = False,
    theorems: Annotated[
        bool,
        typer.Option("--theorems", help="Instead: what theory says of gradients, and in how many it holds."),
    ] = False,
    tau: Annotated[
        bool,
        typer.Option("--tau", help="Instead: which τ reconstructs, and is it the predicted one."),
    ] = False,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Pool results of different code nevertheless.")
    ] = False,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Leave out what was run under the studies' names that their files do not name now."
        ),
    ] = False,
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="Write a page with the tables and figures, and print the names of the files."
        ),
    ] = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Compare training regimes with a baseline, paired by seed, and say which is better and how surely.

    A study may be there for another report, which its file names (`report = "theorems"`): without an
    option that is what is shown. `orch report figure 1a` makes a figure of the paper.
    """
    from ..catalogue import available, results_folder
    from ..store import NoResultsError

    folder, names = results_folder(results), studies or []
    if over == "":
        raise UsageError("report: --over '': expected the name of a setting, such as noise")
    of_comparisons = {"--compare": compare, "--measure": measure, "--over": over}
    options = {
        "comparison": (
            ", ".join(name for name, given in of_comparisons.items() if given),
            any(of_comparisons.values()),
        ),
        "exponents": ("--exponents", exponents),
        "theorems": ("--theorems", theorems),
        "tau": ("--tau", tau),
    }
    if compare == "":
        raise UsageError("report: --compare '': expected the name of a regime")
    chosen = {kind: option for kind, (option, given) in options.items() if given}
    if len(chosen) > 1:
        raise UsageError(f"report: {', '.join(chosen.values())} are of different reports")
    if html and form is not Format.table:
        raise UsageError(
            f"report: --html writes a page, --format {form} prints a table: one of them at a time"
        )
    if now and not names:
        raise UsageError("report: --now: expected the name of a study, whose file says what counts")
    asked = Question(
        names,
        system or (),
        architecture or (),
        baseline=compare,
        measure=measure or "d_stsp",
        over=over,
        allow_stale=allow_stale,
        now=now,
        results=folder,
    )
    try:
        kind = next(iter(chosen), None) or declared(folder, names)
        show(kind, folder, asked, form=None if html else form, html=html)
    except NoResultsError:
        ours = [name for name in names if name in available()]
        raise NoResultsError(folder, *ours[:1]) from None
