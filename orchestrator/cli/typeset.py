"""What a terminal shows as tables, as Markdown or as LaTeX: one source for all of them.

A rich table with a header becomes a table; one without becomes a list, of terms where its first column is
more than bullets; text becomes a paragraph. In LaTeX paragraphs and bullets are comments, so that what is
printed can be `\\input` into a paper as it stands.
"""

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

PACKAGES = "% needs \\usepackage{booktabs}"
UNICODE = "; holds letters that pdfLaTeX does not know: for LuaLaTeX or XeLaTeX"

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\ensuremath{|}", '"': r"\char34{}", "`": r"\textasciigrave{}",
    "−": r"\ensuremath{-}", "–": "--", "—": "---", "…": r"\ldots{}", "’": "'", "“": "``", "”": "''",
    "•": r"\textbullet{}", "·": r"\ensuremath{\cdot}", "×": r"\ensuremath{\times}", "±": r"\ensuremath{\pm}",
    "≤": r"\ensuremath{\le}", "≥": r"\ensuremath{\ge}", "≈": r"\ensuremath{\approx}",
    "∞": r"\ensuremath{\infty}", "∂": r"\ensuremath{\partial}", "‖": r"\ensuremath{\Vert}",
    "√": r"\ensuremath{\surd}", "→": r"\ensuremath{\to}", "←": r"\ensuremath{\leftarrow}",
    "⁺": r"\textsuperscript{+}", "⁻": r"\textsuperscript{\ensuremath{-}}", "ᵀ": r"\textsuperscript{T}",
    "\u00a0": "~",
}  # fmt: skip
"""What LaTeX takes for its own, and signs that it does not have as letters."""

GREEK = {"ε": "varepsilon", "φ": "varphi", "ϕ": "phi", "ς": "varsigma", "ϑ": "vartheta"}
AS_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
"""Greek letters that look like Latin ones, for which LaTeX has no command."""


@dataclass(frozen=True)
class Terms:
    """Terms with what is said of each."""

    items: list[tuple[str, str]]


@dataclass(frozen=True)
class Grid:
    """A table as plain text."""

    columns: list[str]
    right: list[bool]
    """Whether a column is aligned to the right."""
    rows: list[list[str]]


def markdown(shown: "RenderableType") -> str:
    """Tables as pipe tables, text as paragraphs, bullets as a list."""
    parts: list[str] = []
    for piece in _pieces(shown):
        if isinstance(piece, Grid):
            lines = [_pipes(piece.columns), _pipes(["--:" if right else "---" for right in piece.right])]
            parts.append("\n".join([*lines, *map(_pipes, piece.rows)]))
        elif isinstance(piece, Terms):
            parts.append("\n".join(f"- **{term}**: {said}" for term, said in piece.items))
        elif isinstance(piece, list):
            parts.append("\n".join(f"- {item}" for item in piece))
        else:
            parts.append(piece)
    return "\n\n".join(parts) + "\n"


def latex(shown: "RenderableType") -> str:
    """Tables as `tabular` with the rules of booktabs, all else as comments; compiles where it is put."""
    parts: list[str] = []
    for piece in _pieces(shown):
        if isinstance(piece, Grid):
            layout = "".join("r" if right else "l" for right in piece.right)
            rows = [" & ".join(map(escape, row)) + r" \\" for row in [piece.columns, *piece.rows]]
            body = [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"]
            parts.append("\n".join([rf"\begin{{tabular}}{{@{{}}{layout}@{{}}}}", *body, r"\end{tabular}"]))
        elif isinstance(piece, Terms):
            body = [rf"\item[{escape(term)}] {escape(said)}" for term, said in piece.items]
            parts.append("\n".join([r"\begin{description}", *body, r"\end{description}"]))
        else:
            lines = [piece] if isinstance(piece, str) else [f"- {item}" for item in piece]
            parts.append("\n".join(f"% {line}" for text in lines for line in text.splitlines()))
    head = PACKAGES + ("" if all(map(_known, "\n".join(parts))) else UNICODE)
    return "\n\n".join([head, *parts]) + "\n"


def escape(text: str) -> str:
    """Text for LaTeX: its own signs and what only mathematics has are spelt out."""
    if not text:
        return "{}"  # an empty first cell before a bracket would be taken for an argument of `\\`
    spelt = "".join(map(_letter, text))
    return "{}" + spelt if spelt[0] in "[*" else spelt


def _letter(letter: str) -> str:
    if letter in SPECIAL:
        return SPECIAL[letter]
    if letter in AS_LATIN:
        return AS_LATIN[letter]
    name = unicodedata.name(letter, "")
    if name.startswith("GREEK") and "WITH" not in name:
        word = GREEK.get(letter) or name.split()[-1].lower().replace("lamda", "lambda")
        return rf"\ensuremath{{\{word.capitalize() if 'CAPITAL' in name else word}}}"
    for kind, command in (("SUPERSCRIPT", "textsuperscript"), ("SUBSCRIPT", "textsubscript")):
        if name.startswith(kind):
            return rf"\{command}{{{unicodedata.normalize('NFKC', letter)}}}"
    return letter


def _known(letter: str) -> bool:
    """Whether pdfLaTeX sets it as it stands: ASCII and accented Latin letters, and all that is spelt out."""
    return ord(letter) < 0x180 or _letter(letter) != letter


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"


def _pieces(shown: "RenderableType") -> Iterator[Grid | Terms | list[str] | str]:
    from rich.console import Group
    from rich.table import Table

    if isinstance(shown, Group):
        for inner in shown.renderables:
            yield from _pieces(inner)
    elif isinstance(shown, Table):
        yield _grid(shown) if shown.show_header else _list(shown)
    elif text := _plain(shown).strip():
        yield text


def _list(table: "Table") -> Terms | list[str]:
    rows = [(row[0], " ".join(row[1:])) for row in _cells(table)]
    return [said for _, said in rows] if {term for term, _ in rows} <= {"•"} else Terms(rows)


def _grid(table: "Table") -> Grid:
    return Grid(
        [_plain(column.header) for column in table.columns],
        [column.justify == "right" for column in table.columns],
        _cells(table),
    )


def _cells(table: "Table") -> list[list[str]]:
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(shown: Any) -> str:
    """One line of plain text, as a terminal of any width would show it."""
    from rich.console import Console
    from rich.text import Text

    if isinstance(shown, str):
        shown = Text.from_markup(shown)
    if isinstance(shown, Text):
        return " ".join(shown.plain.split())
    console = Console(file=io.StringIO(), width=10_000)
    console.print(shown)
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
