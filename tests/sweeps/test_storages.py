"""Which words name a storage, what a study keeps of one, and what is refused; no server is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from crowds import new_study
from servers import free_port

from ablation.__main__ import main
from ablation.files import read_yaml
from sweeps import backlog
from sweeps.settings import apart
from sweeps.storages import Place, check_url, keep, new_place, place_of, settled

TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]
URL = "postgresql://me@db.example:5432/ablation"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///x.db", "SQLite lets two workers take one trial"),
        ("sqlite+pysqlite:///x.db", "SQLite lets two workers take one trial"),
        ("mysql://me@db/x", "storage=mysql is unknown; storage is journal or postgresql://"),
        ("postgres://me@db/x", "storage=postgres is unknown; storage is journal or postgresql://"),
        ("postgresql+psycopg2://me@db/x", "storage=postgresql+psycopg2 is unknown"),
        ("postgresql:me", "is unknown"),
        ("journals", "storage=journals is unknown; storage is journal or postgresql://"),
        ("postgresql://me@db:many/x", "no port that is a number"),
        ("postgresql://me@db:0/x", "no port that is a number"),
        ("postgresql://me@db:99999/x", "no port that is a number"),
        ("postgresql://me@db", "names no database"),
        ("postgresql://me@db/", "names no database"),
        ("postgresql://me:hunter2@db/x", "PGPASSWORD or in ~/.pgpass"),
        ("postgresql://me:@db/x", "PGPASSWORD or in ~/.pgpass"),
        ("postgresql://me@db/x?password=hunter2", "PGPASSWORD or in ~/.pgpass"),
    ],
)
@pytest.mark.parametrize("verb", ["sweep", "plan"])
def test_a_wrong_storage_gets_one_clear_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, url: str, said: str
) -> None:
    runs = tmp_path / "runs"
    words = [verb, *TINY, f"storage={url}", "--study", "s", "--runs", str(runs)]
    assert main(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert "hunter2" not in lines[0]
    assert not runs.exists()


@pytest.mark.parametrize(
    "url", [URL, "postgresql:///x?host=/tmp", "postgresql://me@[::1]:5432/x?sslmode=require"]
)
def test_a_database_is_a_storage(url: str) -> None:
    assert apart([f"storage={url}", "seeds=2"])[0].storage == check_url(url) == url


def test_the_journal_is_the_storage_where_nothing_is_said(tmp_path: Path) -> None:
    study = new_study(tmp_path / "s")
    text = (study / "study.yaml").read_bytes()
    for word in ("", "journal"):
        assert settled(study, word) == settled(tmp_path / "new", word) == Place()
    assert Place().row() == {}
    keep(study, Place())
    assert (study / "study.yaml").read_bytes() == text


def test_a_study_keeps_its_storage_under_a_name_of_its_own(tmp_path: Path) -> None:
    study, other = new_study(tmp_path / "a" / "s"), new_study(tmp_path / "b" / "s")
    for one in (study, other):
        keep(one, new_place(one, URL))
    assert read_yaml(study / "study.yaml")["storage"] == URL
    assert place_of(study).url == place_of(other).url == URL
    assert place_of(study).study != place_of(other).study
    assert settled(study, "") == settled(study, URL) == place_of(study)
    for url in ("journal", URL.replace("me", "you")):
        with pytest.raises(ValueError, match=rf"s keeps its index in {URL}, not in {url}; .*--reb"):
            settled(study, url)
    keep(study, Place())
    assert place_of(study) == Place()
    with pytest.raises(ValueError, match="s keeps its index in journal, not in post"):
        settled(study, URL)


@pytest.mark.parametrize(
    "row", ["storage: 3\nstorage_study: x", f"storage: {URL}", "storage: sqlite:///x\nstorage_study: x"]
)  # fmt: skip
def test_a_damaged_place_is_said(tmp_path: Path, row: str) -> None:
    study = new_study(tmp_path / "s")
    (study / "study.yaml").write_text(f"study: s\n{row}\n")
    with pytest.raises(ValueError, match=r"study.yaml is damaged|SQLite lets two"):
        backlog.claim(study)


@pytest.mark.slow
def test_a_server_that_is_away_is_said_at_once_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("psycopg", reason="the driver is not installed")
    url, runs = f"postgresql://me@127.0.0.1:{free_port()}/x", tmp_path / "runs"
    words = ["sweep", *TINY, f"storage={url}", "--study", "s", "--runs", str(runs)]
    assert main(words) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert f"{url}: the database does not let us in" in lines[0]
    assert "refused" in lines[0]
    assert not runs.exists()


@pytest.mark.slow
def test_a_missing_driver_names_the_extra(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"  # what Python keeps of a module that is not there
        "from ablation.__main__ import main\n"
        f"sys.exit(main(['sweep', *{TINY}, 'storage={URL}', '--study', 's']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert "pip install 'activation-ablation[postgres]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_setting_of_the_url_that_the_driver_does_not_know_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("psycopg", reason="the driver is not installed")
    runs = tmp_path / "runs"
    words = ["sweep", *TINY, f"storage={URL}?colour=red", "--study", "s", "--runs", str(runs)]
    assert main(words) == 2
    assert 'invalid URI query parameter: "colour"' in capsys.readouterr().err
    assert not runs.exists()
