"""Where results come from: what is told is what the database holds, and nothing is made up."""

from datetime import datetime, timedelta

import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from studies.database.identity import CODE, DEFINITION, VERSION
from studies.trials.provenance import provenance_of

BEGAN = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001 - Optuna's times have no zone


def _trial(number: int, host: str) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=TrialState.COMPLETE,
        value=1.0,
        datetime_start=BEGAN + timedelta(hours=number),
        datetime_complete=BEGAN + timedelta(hours=number, minutes=6),
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0, 1)},
        user_attrs={"worker": f"abc@{host}:17"},
        system_attrs={},
        intermediate_values={},
        trial_id=number,
    )


def test_a_study_tells_when_where_and_with_what_it_ran() -> None:
    """Dates, hours, hosts, versions, the digest of the code and the data file are those of the database."""
    digest = "0123456789abcdef" * 4
    attributes = {
        VERSION: "0.1.0",
        CODE: {"torch": "2.9.0", "my_module": digest},
        DEFINITION: {
            "data": {"class_path": "tuner.data.Table", "init_args": {"path": "my.csv", "batch_size": 8}},
        },
    }
    found = provenance_of(attributes, [_trial(0, "red"), _trial(2, "blue"), _trial(1, "red")])
    told = dict(found.rows())
    assert told["dates"] == "2026-03-01 12:00 to 2026-03-01 14:06"
    assert told["training"] == "0.3 hours in all"
    assert told["machines"] == "blue, red"
    assert told["versions"] == "interplay-tuner 0.1.0, torch 2.9.0"
    assert told["data"] == "tuner.data.Table, path my.csv"
    assert told["code"] == "my_module 0123456789ab"
    assert found.to_data()["code"] == {"my_module": digest}
    assert found.to_data()["first"] == "2026-03-01T12:00:00"


def test_what_is_not_known_is_not_told() -> None:
    """An empty study of plain Optuna has nothing to tell, and damaged attributes are no reason to fail."""
    assert provenance_of({}, optuna.create_study().trials).rows() == []
    assert provenance_of({CODE: 3, DEFINITION: ["x"], VERSION: None}, []).rows() == []
