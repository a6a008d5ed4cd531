"""Warnings are errors, and the list of exceptions cannot outlive its reasons."""

from pathlib import Path

import pytest

PLUGIN = Path(__file__).with_name("allowed_warnings.py")
QUIET = "def test_it(): pass"
WARNS = "import warnings\ndef test_it(): warnings.warn('old news of today', {category})"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of one test, whose settings allow one warning."""
    pytester.makeconftest(PLUGIN.read_text())
    pytester.makeini(
        """
        [pytest]
        addopts = -p no:randomly
        filterwarnings =
            error
            default:old news:FutureWarning
        """
    )
    return pytester


def test_a_warning_that_is_allowed_and_met_passes(suite: pytest.Pytester) -> None:
    """An allowed warning that a test meets fails nothing."""
    suite.makepyfile(WARNS.format(category="FutureWarning"))
    assert suite.runpytest_inprocess("--whole-suite").ret == pytest.ExitCode.OK


def test_a_warning_met_in_another_process_counts(suite: pytest.Pytester) -> None:
    """What a test process of pytest-xdist has met is known to the process that judges."""
    suite.makepyfile(WARNS.format(category="FutureWarning"))
    assert suite.runpytest_subprocess("--whole-suite", "--numprocesses=1").ret == pytest.ExitCode.OK


def test_a_warning_that_is_not_allowed_fails(suite: pytest.Pytester) -> None:
    """The same message of another category is an error."""
    suite.makepyfile(WARNS.format(category="UserWarning"))
    assert suite.runpytest_inprocess().ret == pytest.ExitCode.TESTS_FAILED


def test_an_allowed_warning_that_is_never_met_fails_the_whole_suite(suite: pytest.Pytester) -> None:
    """A run of everything fails and names the entry that no test needs any more."""
    suite.makepyfile(QUIET)
    result = suite.runpytest_inprocess("--whole-suite")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No test meets this warning any more*'default:old news:FutureWarning'"])


def test_a_part_of_the_suite_is_not_judged(suite: pytest.Pytester) -> None:
    """Running some tests only is no reason to call an entry unused."""
    suite.makepyfile(QUIET)
    assert suite.runpytest_inprocess().ret == pytest.ExitCode.OK
