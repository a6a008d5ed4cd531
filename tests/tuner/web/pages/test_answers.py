"""What our pages answer: to names and texts of strangers, to wrong addresses, to a database that is away."""

import html
import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import optuna
import pytest
import sqlalchemy as sa
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from studies.database.open import open_database
from studies.database.optuna_columns import attributes
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from tests.studies.lives import answer
from tests.studies.samples import sample_definition
from tests.tuner.web.served import Served, served
from tuner.web.pages.reading.addresses import study_path

SCRIPT = "<script>alert(1)</script>"
NAMES = [SCRIPT, "a\"b'c`d", "up/../../down", "..", "two\nlines", "~7E%2F?x=1#y", "x" * 500, "ü\u202eright"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the database, and of the files of studies."""
    return tmp_path_factory.mktemp("answers")


@pytest.fixture(scope="module")
def url(folder: Path) -> str:
    """Give the URL of the database."""
    return f"sqlite:///{folder}/tuner.db"


@pytest.fixture(scope="module")
def ledger(url: str, folder: Path) -> Ledger:
    """Give a study of four trials, one of which diverged, with a log."""
    ledger = create(open_database(url), sample_definition(trials=6), "")
    answer(ledger, [0.5, None, 0.25, 1.0])
    logs = folder / "runs" / ledger.name / "logs"
    logs.mkdir(parents=True)
    (logs / "trial-0.log").write_text("first\n" + "x" * 20_000 + f"\n{SCRIPT} last\n")
    (logs / "secret.log").write_text("secret")
    return ledger


@pytest.fixture(scope="module")
def server(url: str, ledger: Ledger, folder: Path) -> Iterator[Served]:
    """Serve it."""
    with served(url, output=folder / "runs") as running:
        yield running


def page(server: Served, path: str, status: int = 200) -> str:
    """Ask for a page of ours."""
    told = server.ask(f"/interplay{path}", Accept="text/html")
    assert told.status == status, told.text
    return told.text


def links(text: str) -> set[str]:
    """Give the addresses of a page that lead to pages of ours, without those of files."""
    found = {html.unescape(each) for each in re.findall(r'href="(/interplay[^"#]*)', text)}
    return {each.removeprefix("/interplay") for each in found if "/static/" not in each}


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_strangers_are_shown_and_never_obeyed(server: Served, url: str, name: str) -> None:
    """Whatever studies, parameters, options and causes are called, each link leads to its page."""
    study = optuna.create_study(storage=url, study_name=name)
    study.add_trial(
        create_trial(
            value=1.0,
            params={SCRIPT: 0.5, name[:80]: SCRIPT},
            distributions={
                SCRIPT: FloatDistribution(0, 1),
                name[:80]: CategoricalDistribution([SCRIPT, "b"]),
            },
            user_attrs={
                "cause": SCRIPT,
                "why": SCRIPT,
                "origin": SCRIPT,
                "worker": SCRIPT,
                "traceback": SCRIPT,
            },
            intermediate_values={1: 2.0, 2: 1.0},
        )
    )
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"cause": SCRIPT}))
    seen, waiting = set[str](), ["/", f"{study_path(name)}/compare?trials=0,1"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        text = page(server, path)
        assert "<script>alert" not in text
        assert "\u202e" not in text
        mine = {link for link in links(text) if link.startswith(study_path(name))}
        waiting += mine - seen - set(waiting)
    assert {study_path(name), f"{study_path(name)}/trials/0", f"{study_path(name)}/analysis"} <= seen


WRONG = {
    "/studies/none": (404, "no study"),
    "/studies/~FF": (404, "no study '~FF'"),
    "/studies/none/trials/0": (404, "no study"),
    "/studies/none/analysis": (404, "no study"),
    "/studies/{}/trials/99": (404, "no trial 99"),
    "/studies/{}/trials/-1": (404, "no such page"),
    "/studies/{}/trials/abc": (404, "no such page"),
    "/studies/{}/trials/99999999999999999999": (404, "no such page"),
    "/studies/{}/trials/0/files/..%2f..%2ftuner.db": (404, "no such page"),
    "/studies/{}/trials/0/files/passwd": (404, "no such page"),
    "/studies/{}?top=abc": (400, "`top`"),
    "/studies/{}?top=0": (400, "`top`"),
    "/studies/{}?top=99999999999999999999": (400, "`top`"),
    "/studies/{}?outcome=fine": (400, "`outcome`"),
    "/studies/{}?order=up": (400, "`order`"),
    "/studies/{}?scale=cubic": (400, "`scale`"),
    "/studies/{}?page=-1": (400, "`page`"),
    "/studies/{}?page=%C2%B2": (400, "`page`"),
    "/studies/{}?branch=optimizer": (400, "optimizer: sgd, adam"),
    "/studies/{}?branch=no=sgd": (400, "one of optimizer"),
    "/studies/{}/compare": (400, "0 trials"),
    "/studies/{}/compare?trials=1": (400, "1 trial;"),
    "/studies/{}/compare?trials=1,x": (400, "`trials`"),
    "/studies/{}/compare?trials=0,99": (404, "no trial 99"),
    "/?page=0": (400, "`page`"),
    "/nowhere": (404, "no such page"),
}


def test_a_wrong_address_is_answered_in_one_sentence(server: Served, ledger: Ledger) -> None:
    """Each wrong address has its status and a page that says what is wrong with it."""
    for path, (status, said) in WRONG.items():
        text = page(server, path.format(quote(ledger.name)), status)
        sentence = html.unescape(re.sub("<[^>]*>", "", text.partition("<main>")[2]))
        assert said in sentence, (path, sentence)
        assert "Traceback" not in text


def test_a_page_behind_the_last_is_the_last(server: Served, ledger: Ledger) -> None:
    """A link to a page of trials that there is no more shows the last one."""
    assert 'aria-label="compare trial 3"' in page(server, f"{study_path(ledger.name)}?page=77")


def test_a_filter_stays_in_the_address(server: Served, ledger: Ledger) -> None:
    """What is shown follows from the query alone: outcome, branch, the best so many, in their order."""
    here, trials = study_path(ledger.name), ledger.trials()

    def shown(query: str) -> list[int]:
        found = re.findall(r'aria-label="compare trial (\d+)"', page(server, f"{here}?{query}"))
        return list(map(int, found))

    assert shown("") == [3, 2, 1, 0]
    assert shown("order=oldest") == [0, 1, 2, 3]
    assert shown("order=best") == [2, 0, 3, 1]
    assert shown("top=2&order=best") == [2, 0]
    assert shown("outcome=diverged") == [1]
    assert shown("outcome=running") == []
    for option in ("sgd", "adam"):
        mine = [trial.number for trial in trials if trial.params["optimizer"] == option]
        assert shown(f"branch=optimizer%3D{option}&order=oldest") == mine


def test_a_parameter_of_another_branch_is_blank(server: Served, ledger: Ledger) -> None:
    """A trial has nothing, and no zero, in the columns of the branches that it did not take."""
    text = page(server, f"{study_path(ledger.name)}?order=oldest")
    assert re.findall(r'<th scope="colgroup"[^>]*>([^<]*)<', text) == [
        "always",
        "when optimizer is sgd",
        "when optimizer is adam",
    ]
    rows = re.findall(r"<tr>\n<td><input.*?</tr>", text, flags=re.DOTALL)
    for trial, row in zip(ledger.trials(), rows, strict=True):
        cells = [
            re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", row, flags=re.DOTALL)[-2:]
        ]
        of = ["optimizer.sgd.lr", "optimizer.adam.lr"]
        assert [cell == "" for cell in cells] == [name not in trial.params for name in of]


def test_a_broken_attribute_is_named_and_the_rest_is_there(server: Served, url: str) -> None:
    """What a neighbour has damaged in one trial is said on its page, and hides nothing else."""
    ledger = create(open_database(url), sample_definition(trials=6), "")
    answer(ledger, [0.5, None, 0.25, 1.0])
    row = {"trial_id": ledger.identifier_of(2), "key": "facts", "value_json": "{" * 3000}
    with ledger.database.engine.begin() as connection:
        connection.execute(sa.insert(attributes).values(**row))
    said = "The attribute facts is no JSON"
    assert said in page(server, study_path(ledger.name))
    text = page(server, f"{study_path(ledger.name)}/trials/2")
    assert said in text
    assert "0.25" in text
    assert said in page(server, f"{study_path(ledger.name)}/compare?trials=0,2")


def test_a_damaged_study_hides_no_other(server: Served, ledger: Ledger, url: str) -> None:
    """A definition that cannot be read is said in the list and on its page, beside the others."""
    other = optuna.create_study(storage=url, study_name="damaged")
    for key, value in ledger.study.user_attrs.items():
        other.set_user_attr(key, value)
    other.set_user_attr("tuner:study", other._study_id)
    other.set_user_attr("tuner:ledger", "0" * 32)
    other.set_user_attr("tuner:definition", {"study": "nothing"})
    other.add_trial(create_trial(value=1.0))
    assert "is damaged" in page(server, "/studies/damaged")
    # The list may be the one of a moment ago.
    text = next(text for _ in range(100_000) if "is damaged" in (text := page(server, "/")))
    assert ledger.name in text


def test_a_database_that_is_away_is_said_and_comes_back(server: Served, ledger: Ledger, folder: Path) -> None:
    """A database that cannot answer is said with status 503, and then it is there again."""
    here = f"/interplay{study_path(ledger.name)}"

    def told(status: int) -> str:
        # What was read a moment ago is shown to others as well, without asking the database.
        answers = (server.ask(here, Accept="text/html") for _ in range(100_000))
        return next(answer.text for answer in answers if answer.status == status)

    moved = (folder / "tuner.db").rename(folder / "elsewhere.db")
    try:
        assert "The database does not answer" in told(503)
    finally:
        moved.rename(folder / "tuner.db")
    assert ledger.name in told(200)


def test_changes_are_heard(server: Served, ledger: Ledger) -> None:
    """Whoever listens hears the version of a study, which the page names as well, and that one is gone."""
    version = re.search(r'data-version="([^"]+)"', page(server, study_path(ledger.name)))
    assert version is not None
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", f"/interplay/events?study={quote(ledger.name)}")
        answer = connection.getresponse()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.readline() == b"event: change\r\n"
        assert answer.readline().decode().strip() == f"data: {version[1]}"
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", "/interplay/events?study=none")
        assert connection.getresponse().readline() == b"event: gone\r\n"


def test_a_file_that_was_replaced_is_said_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Waiting does not help, so nobody is told to; whoever listens hears that the database is away."""
    database, other = tmp_path / "tuner.db", tmp_path / "other.db"
    for file in (database, other):
        optuna.create_study(storage=f"sqlite:///{file}", study_name="x")
    with served(f"sqlite:///{database}") as server:
        other.rename(database)
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            connection.request("GET", "/interplay/events")
            heard = connection.getresponse()
            # What was read a moment ago is heard first.
            assert b"event: away\r\n" in (heard.readline() for _ in range(9))
        told = server.ask("/api/studies")
        assert told.status == 503
        assert "was removed or replaced while it was in use; start again" in told.data["reason"]
    assert "Traceback" not in caplog.text


def test_a_trial_offers_its_files_by_name(server: Served, ledger: Ledger) -> None:
    """The log is shown from its end and sent as text; a file that no list names is not sent."""
    here = f"{study_path(ledger.name)}/trials/0"
    text = page(server, here)
    assert f"{html.escape(SCRIPT)} last" in text
    assert "first" not in text
    told = server.ask(f"/interplay{here}/files/trial-0.log")
    assert (told.headers["content-type"], told.text[:5]) == ("text/plain; charset=utf-8", "first")
    assert server.ask(f"/interplay{here}/files/secret.log").status == 404
    sent = server.ask(f"/interplay{here}/files/configuration.yaml")
    assert sent.status == 200
    assert "a.Model" in sent.text


def test_a_study_without_trials_has_a_page(tmp_path: Path) -> None:
    """Nothing is missing where there is nothing yet."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    optuna.create_study(storage=url, study_name="empty")
    with served(url) as server:
        assert "no trial yet" in page(server, "/studies/empty")
        assert "nothing to analyse" in page(server, "/studies/empty/analysis")
        assert "No worker" in page(server, "/workers")
