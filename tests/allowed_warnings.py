"""A pytest plugin: a run of the whole suite fails when a warning that pyproject.toml allows was never seen.

Warnings are errors. What is allowed nevertheless is an entry `default:message:category` of `filterwarnings`,
which pytest records. So an entry whose warning no test meets any more shows itself here and can go.
"""

import re
import warnings
from dataclasses import dataclass

import pytest

_WHOLE_SUITE = "--whole-suite"


@dataclass(frozen=True)
class AllowedWarning:
    """An entry of `filterwarnings`: the start of a message, and the name of a category without its module."""

    entry: str
    message: re.Pattern[str]
    category: str

    def covers(self, warning: warnings.WarningMessage) -> bool:
        """Tell whether `warning` is one that this entry lets pass."""
        names = {kind.__name__ for kind in warning.category.__mro__}
        return self.message.match(str(warning.message)) is not None and self.category in names


class UnusedEntries:
    """The allowed warnings that this run has not seen."""

    def __init__(self, entries: list[str]) -> None:
        self._unseen = [_parse(entry) for entry in entries if entry.startswith("default:")]

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Strike off what a test (of any process: pytest-xdist sends it here) has met."""
        self._unseen = [allowed for allowed in self._unseen if not allowed.covers(warning_message)]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Turn a run that passed into one that failed if an entry is left."""
        if self._unseen and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the entries that can go."""
        for allowed in self._unseen:
            terminalreporter.write_line(
                f"No test meets this warning any more; remove it from filterwarnings: {allowed.entry!r}",
                red=True,
            )


def _parse(entry: str) -> AllowedWarning:
    _, message, category, *_ = [*entry.split(":"), "", ""]
    return AllowedWarning(entry, re.compile(message, re.IGNORECASE), category.rpartition(".")[2] or "Warning")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which `make test` says that nothing was left out."""
    parser.addoption(
        _WHOLE_SUITE, action="store_true", help="fail when a warning allowed in pyproject.toml is never met"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch in the process that hears of every test, and only if every test runs."""
    if config.getoption(_WHOLE_SUITE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(UnusedEntries(config.getini("filterwarnings")))
