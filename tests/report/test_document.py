from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cellml.errors import FileError
from cellml.report.command import write_report
from cellml.report.document import build_report

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Reader(HTMLParser):
    """Collects what a test asks about, and fails on tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.styles = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
                self.addresses.append(value or "")
            assert not name.startswith("on"), f"{name} would run code"
            if name == "style":
                self.styles += value or ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] == "style":
            self.styles += data
        elif "script" not in self.open:
            self.text += data


@pytest.fixture(scope="session")
def report(finished_run, tmp_path_factory) -> Path:
    return build_report(finished_run, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="session")
def page(report) -> Reader:
    return Reader(report.read_text(encoding="utf-8"))


def test_the_report_asks_nothing_of_a_network(report, page):
    assert len(page.addresses) > 10
    assert [a for a in page.addresses if not a.startswith(("#", "data:image/"))] == []
    assert "url(" not in page.styles
    assert "@import" not in page.styles
    assert "default-src 'none'" in report.read_text(encoding="utf-8")


def test_every_section_is_there_and_the_contents_lead_to_it(report, page):
    expected = [
        "Results",
        "Simulated numbers",
        "Segmentation",
        "Geometry in 3D",
        "Simulated field",
        "Mesh quality",
        "Training",
        "Provenance",
    ]
    assert page.headings == expected
    text = report.read_text(encoding="utf-8")
    anchors = [a for a in page.addresses if a.startswith("#")]
    assert len(anchors) == len(expected)
    assert all(f'id="{a[1:]}"' in text for a in anchors)


def test_plotlys_script_stands_once_and_the_file_stays_small(report):
    from plotly.offline import get_plotlyjs

    text = report.read_text(encoding="utf-8")
    assert text.count(get_plotlyjs()) == 1
    assert text.count('<script type="application/json">') == 2
    assert len(text.encode()) < 7e6


def test_text_from_outside_stays_text(page):
    from .conftest import HOSTILE

    # Warning, heading, title of the window, note, configuration, certificate: all show the text as it was given.
    assert page.text.count(HOSTILE) >= 5
    assert page.tags.count("b") == 0
    assert page.tags.count("script") == 4  # two scenes, plotly, and what draws the scenes


def test_numbers_carry_units_and_counts(page):
    assert "361" not in page.text
    for expected in ("6 min 01 s", "relaxation time (ms)", "2 → 2.5", "25 %", "2 → –unmatched", "20 × 10 × 10 nm", "1.2 %"):
        assert expected in page.text


def test_two_reports_of_one_run_are_equal(finished_run, report, tmp_path):
    assert build_report(finished_run, tmp_path / "again.html").read_bytes() == report.read_bytes()


LACKING = {
    "summary.json": ["Results"],  # Hydra's configuration, versions and times are gone with it
    "objects.csv": ["Simulated numbers"],
    "csv": ["Training"],
    "meshes": ["Geometry in 3D", "Simulated field", "Mesh quality"],
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_section_without_its_artefact_is_left_out_and_said_so(run_copy, lacking, undrawn):
    path = run_copy / lacking
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = Reader(write_report(run_copy).read_text(encoding="utf-8"))
    assert not set(LACKING[lacking]) & set(page.headings)
    assert page.headings[-1] == "Not in this report"
    assert all(f"{section}: " in page.text for section in LACKING[lacking])


@pytest.mark.parametrize("lacking", ["raw", "truth", "prediction", "boundary"])
def test_slices_do_without_an_array(run_copy, lacking, undrawn):
    (run_copy / f"{lacking}.npz").unlink()
    page = Reader(write_report(run_copy).read_text(encoding="utf-8"))
    assert "Segmentation" in page.headings
    assert f"Not available here: {lacking}." in page.text


@pytest.mark.parametrize(
    "damaged", ["summary.json", "objects.csv", "csv/metrics.csv", "truth.npz", "meshes/truth_1.vtu", "meshes/truth_1.json"]
)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\x13 no such thing"], ids=["empty", "garbage"])
def test_a_damaged_artefact_costs_its_section_only(run_copy, damaged, content, undrawn):
    (run_copy / damaged).write_bytes(content)
    page = Reader(write_report(run_copy).read_text(encoding="utf-8"))
    assert len(page.headings) >= 4
    assert "Provenance" in page.headings or damaged == "summary.json"
    assert "Not in this report" in page.headings


def test_a_training_run_without_summary_shows_its_log_and_configuration(tmp_path):
    from .conftest import write_log

    run = tmp_path / "2026-11-20"
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "config.yaml").write_text("seed: 3\n", encoding="utf-8")
    write_log(run / "csv")
    page = Reader(write_report(run).read_text(encoding="utf-8"))
    assert page.headings == ["Training", "Provenance", "Not in this report"]
    assert "seed: 3" in page.text
    assert "script" not in page.tags  # nothing to turn, hence no plotly


def test_a_simulation_shows_its_observables(tmp_path):
    lines = ["name,value,unit,discretisation_error,status,reason", "volume,0.125,µm^3,0.001,ok,", "conductance,,µm,,undefined,one end only"]
    (tmp_path / "observables.csv").write_text("\n".join(lines), encoding="utf-8")
    page = Reader(write_report(tmp_path, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "0.125" in page.text
    assert "undefined: one end only" in page.text


def test_phantom_data_are_said_loudest_of_all(tmp_path):
    from cellml.report.summary import Summary

    Summary(title="t", phantom=True, seed=1).write(tmp_path)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert 'class="alarm"' in text
    assert text.index("PHANTOM DATA: made by code") < text.index("<main>")


def test_bad_folders_are_refused_and_an_older_report_stays(tmp_path):
    older = tmp_path / "report.html"
    older.write_text("older", encoding="utf-8")
    with pytest.raises(FileError, match="is not a folder"):
        write_report(tmp_path / "nowhere", older)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="nothing to report"):
        write_report(tmp_path / "empty", older)
    assert older.read_text(encoding="utf-8") == "older"


def test_the_report_lies_in_the_run_unless_told_otherwise(run_copy, undrawn):
    assert write_report(str(run_copy)) == run_copy / "report.html"
    assert sorted(p.name for p in run_copy.iterdir() if p.name.startswith(".")) == []
