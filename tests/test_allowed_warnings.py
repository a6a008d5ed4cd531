"""Warnings are errors, and the list of exceptions cannot outlive its reasons."""

from pathlib import Path

import pytest

PLUGIN = Path(__file__).with_name("allowed_warnings.py")
PARALLEL = "--numprocesses=2"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose one test warns, once in a way that its settings allow."""
    pytester.makeconftest(PLUGIN.read_text())
    pytester.makeini(
        """
        [pytest]
        filterwarnings =
            error
            default:old news:FutureWarning
        """
    )
    pytester.makepyfile("import warnings\ndef test_it(): warnings.warn('old news of today', FutureWarning)")
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the project's tests in a process of their own."""
    return suite.runpytest_subprocess(*arguments)


@pytest.mark.parametrize("processes", ["--numprocesses=0", PARALLEL])
def test_a_warning_that_is_allowed_and_met_passes(suite: pytest.Pytester, processes: str) -> None:
    """An allowed warning that a test meets fails nothing, in one process and in several."""
    assert run(suite, "--whole-suite", processes).ret == pytest.ExitCode.OK


def test_a_warning_that_is_not_allowed_fails(suite: pytest.Pytester) -> None:
    """The same message of another category is an error."""
    suite.makepyfile("import warnings\ndef test_it(): warnings.warn('old news of today', UserWarning)")
    assert run(suite).ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("processes", ["--numprocesses=0", PARALLEL])
def test_an_allowed_warning_that_is_never_met_fails_the_whole_suite(
    suite: pytest.Pytester, processes: str
) -> None:
    """A run of everything fails and names the entry that no test needs any more."""
    suite.makepyfile("def test_it(): pass")
    result = run(suite, "--whole-suite", processes)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No test meets this warning any more*'default:old news:FutureWarning'"])


def test_a_part_of_the_suite_is_not_judged(suite: pytest.Pytester) -> None:
    """Running some tests only is no reason to call an entry unused."""
    suite.makepyfile("def test_it(): pass")
    assert run(suite).ret == pytest.ExitCode.OK
