"""Tables for terminals, however narrow, and for papers: what is kept, and that LaTeX compiles it."""

import re
import shutil
import subprocess

import pytest
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from orchestrator.cli import typeset
from orchestrator.cli.output import Format, print_rows

NASTY = r"a_b & 50% #1 $x$ {y} ~ ^ \ < > | \" ` [z] *"
GREEK = "τ_pred λ δ Δ ρ Ω α_1 β ε ϑ ς Α ο × ± − – … ≤ ≥ ∞ √ ∂ ‖ → 10⁻⁶ x² z₁ Aᵀ é ö ß Ł"


def shown(*cells: str) -> Group:
    table = Table()
    table.add_column("name")
    table.add_column("n", justify="right")
    for cell in cells:
        table.add_row(Text(cell), "1")
    bullets = Table.grid()
    bullets.add_row("•", Text("of two\nlines"))
    return Group(Text("a title", style="bold"), table, bullets, Text())


def test_a_narrow_terminal_breaks_no_word(monkeypatch, capsys) -> None:
    monkeypatch.setattr(Console, "is_terminal", True)
    columns = ["regime", "diverged", "to_run", "reason"]
    rows = [["sparse_forcing(tau=20)", 0, 16, "finished, 2 made by other code than the rest"]]
    for width in ("80", "64", "30"):
        monkeypatch.setenv("COLUMNS", width)
        print_rows(columns, rows, Format.table, spare={"diverged"})
        printed = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
        lines = printed.splitlines()
        assert "diverged" not in printed and "sparse_forcing(tau=20)" in printed
        reason = lines[1].index("reason")
        assert " ".join(line[reason:].strip() for line in lines[3:]).strip() == rows[0][3], printed
        assert (max(map(len, lines)) <= int(width)) == (width != "30")


def test_markdown() -> None:
    assert typeset.markdown(shown("a|b", "τ [bold]")) == (
        "a title\n\n| name | n |\n| --- | --: |\n| a\\|b | 1 |\n| τ [bold] | 1 |\n\n- of two lines\n"
    )


def test_latex() -> None:
    said = typeset.latex(shown("τ_pred = 5%", "[2]", ""))
    assert said.splitlines()[0] == r"% needs \usepackage{booktabs}"
    assert "% a title" in said and "% - of two lines" in said
    assert r"\ensuremath{\tau}\_pred = 5\% & 1 \\" in said
    assert r"{}[2] & 1 \\" in said  # else `\\` before it would take it as a length
    assert "LuaLaTeX" not in typeset.latex(shown(GREEK)) and "LuaLaTeX" in typeset.latex(shown("気温"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_latex_compiles(tmp_path) -> None:
    body = typeset.latex(shown(NASTY, GREEK, "[x]", "*", ""))
    packages = "\\usepackage[T1]{fontenc}\n\\usepackage{booktabs}"
    (tmp_path / "paper.tex").write_text(
        f"\\documentclass{{article}}\n{packages}\n\\begin{{document}}\n{body}\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "Missing character" not in done.stdout, done.stdout[-2000:]


def test_listings_have_every_format(capsys) -> None:
    for form in Format:
        print_rows(["system", "λ"], [["own | data", 0.5], ["ü", None]], form)
        said = capsys.readouterr().out
        assert ("own \\| data" if form is Format.markdown else "own") in said and "ü" in said
