"""`eval/record.py`: a run's numbers become rows of `eval/README.md`, each once, and nothing else on the page moves."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import evaluations
import pytest
from scripts import EVAL, loaded

from ragsys.errors import UsageError
from ragsys.evaluation import codec
from ragsys.evaluation.records import Scored

SCRIPT = EVAL / "record.py"
PAGE = "# Numbers\n\nprose | with a pipe\n\n<!-- measured: begin -->\n<!-- measured: end -->\n\nafter\n"
record = loaded("record")


def clean(**changes: object) -> Scored:
    made = evaluations.scored(24, ["laptop", "guess </script>|"])
    configs = tuple(dataclasses.replace(config, coverage={"dense": 1.0}) for config in made.configs)
    return dataclasses.replace(made, configs=configs, provenance=dataclasses.replace(made.provenance, **changes))  # type: ignore[arg-type]


def saved(scored: Scored, folder: Path) -> Path:
    codec.save(scored, folder / "scores.json")
    return folder


def test_recording_twice_changes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE, encoding="utf-8")
    run = saved(clean(), tmp_path / "run")
    command = [sys.executable, str(SCRIPT), str(run), "--readme", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the numbers are in ")
    once = page.read_bytes()
    assert record.main([str(run / "scores.json"), "--readme", str(page)]) == 0
    assert page.read_bytes() == once
    text = once.decode()
    assert text.startswith("# Numbers\n\nprose | with a pipe\n\n<!-- measured: begin -->\n| suite | ")
    assert text.endswith("\n<!-- measured: end -->\n\nafter\n")
    rows = [line for line in text.splitlines() if "answer" in line or "recall" in line]
    assert len(rows) == 4
    assert all(len(record._CELL.split(row.strip("|"))) == len(record.HEAD) for row in rows)


def test_a_newer_run_takes_the_place_of_its_rows_and_of_no_others() -> None:
    old, other = clean(), clean(suite="another")
    page = record.replaced(record.replaced(PAGE, record.rows_of(old)), record.rows_of(other))
    newer = record.replaced(page, record.rows_of(clean(commit="fedcba987654", date="2027-01-01")))
    assert newer.count("fedcba987654") == 4
    assert newer.count("0123456789ab ") == 4
    assert newer.count("\n|") == page.count("\n|") == 2 + 8
    fewer = record.replaced(newer, record.rows_of(clean(), ["seconds"]))
    assert fewer.count("\n|") == 2 + 8 + 2


def test_a_command_stands_on_the_page_once_and_keeps_its_number() -> None:
    first, second = clean(command="ragsys eval zoo"), clean(command="ragsys eval ark --set 'a.b=c|d'")
    page = record.replaced(PAGE, record.rows_of(first))
    both = record.replaced(page, record.rows_of(second))
    assert both.count("ragsys eval zoo") == both.count("ragsys eval ark") == 1
    assert "- 1: `ragsys eval zoo`\n- 2: `ragsys eval ark --set 'a.b=c|d'`\n" in both
    assert record.replaced(both, record.rows_of(first)) == both
    rows = [record._CELL.split(line.strip("|"))[6].strip() for line in both.splitlines() if line.startswith("|")][2:]
    assert sorted(rows) == ["1"] * 4 + ["2"] * 4


def test_a_row_says_everything_that_makes_it_again() -> None:
    scored = clean(command="ragsys eval /home/me/data/dev --config laptop --out /tmp/x --limit 24")
    row = next(row for row in record.rows_of(scored, ["page_recall@5"]) if row[1] == "laptop")
    found = scored.estimates["laptop"]["page_recall@5"]
    assert row[3] == f"{found.value:.3f}".lstrip("0")
    assert row[4].startswith("\\[") and row[5] == str(found.n)  # noqa: PT018
    assert row[6] == "ragsys eval $DATA/dev --config laptop --limit 24"
    assert row[7:] == (scored.configs[0].hash, "0123456789ab", "2026-11-21T07:00:00+00:00", row[10])
    assert "24 GiB" in row[10]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("ragsys eval suite --data ../shared/x", "ragsys eval suite --data $DATA/x"),
        ("ragsys eval 'C:\\Users\\me\\dev' --library L", "ragsys eval $DATA/dev"),
        ("ragsys eval ~/dev/ --out=here --set 'a.b=c d'", "ragsys eval $DATA/dev --set 'a.b=c d'"),
        ("ragsys eval mine/folder --config configs/gpu.yaml", "ragsys eval mine/folder --config configs/gpu.yaml"),
    ],
)
def test_commands_name_no_folder_of_ones_own(written: str, told: str) -> None:
    assert record.command(written) == told


def test_what_nobody_could_make_again_is_refused() -> None:
    with pytest.raises(UsageError, match="uncommitted changes"):
        record.rows_of(clean(commit="0123456789ab+changes"))
    broken = dataclasses.replace(clean(), notes=("laptop: 2 of 24 questions ended with an error, such as: E",))
    with pytest.raises(UsageError, match="2 of 24 questions"):
        record.rows_of(broken)
    assert len(record.rows_of(broken, anyway=True)) == 4
    with pytest.raises(UsageError, match="layer dense covers 25% of the documents"):
        record.rows_of(evaluations.scored(24, ["laptop"]))


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "README.md"
    page.write_text("no marks", encoding="utf-8")
    run = saved(clean(), tmp_path / "run")
    for arguments, said in (
        ([str(run)], "are not both there"),
        ([str(run), "--metric", "page_recal@5"], "no metric 'page_recal@5'. Did you mean 'page_recall@5'?"),
        ([str(tmp_path / "none")], "cannot be read"),
    ):
        assert record.main([*arguments, "--readme", str(page)]) != 0
        assert said in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "no marks"
    with pytest.raises(UsageError, match="a row of 2 cells"):
        record.replaced(PAGE.replace("begin -->", "begin -->\n| a |\n| - |\n| x | y |"), [])
    numbered = record.replaced(PAGE, record.rows_of(clean()))
    with pytest.raises(UsageError, match="no command is numbered 1"):
        record.replaced(numbered.replace("- 1: `", "- 2: `"), [])


def test_the_page_of_the_repository_can_be_written() -> None:
    page = record.README.read_text(encoding="utf-8")
    assert record.replaced(page, []) == page
