"""How long a trial is, in epochs, validations, steps and devices: by the `trainer` section and the data.

The section alone seldom tells all of it: how many validations `val_check_interval: 0.1` makes, or how many
epochs `max_steps: 1000` are, depends on the batches of an epoch. So a training tells them as it begins, and
`told` gives the length that is complete.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from studies.errors import BadLength

FIRST_RUNG = 9  # the first rung stands at a ninth of the validations, behind any usual warm-up
MOST_DEVICES = 64  # each is a process, and no machine has as many GPUs
EPOCHS = 1000  # what Lightning takes where nothing says how long a fit is


@dataclass(frozen=True)
class TrialLength:
    """How long a trial is, as far as it is known.

    `max_epochs` and `max_steps` are the trainer's, None where there is no such limit; `max_time` says that a
    trial may end earlier. A validation is made behind every `every`-th epoch, or wherever it falls if that is
    None; within an epoch at each `interval` of batches, None where it stands at the epoch's end, or at each
    `share` of the batches. `by_time` says that validations are due by the clock. `batches` are those of an
    epoch, None where they are not known. `accumulated` are the batches of an optimizer's step, None where
    they are not known. Without `validates` each epoch gives a score. `told` says that the training has told
    what depends on the data. `devices` are those that train together, None where the section does not say.
    """

    max_epochs: int | None
    max_steps: int | None = None
    max_time: bool = False
    every: int | None = 1
    interval: int | None = None
    share: float | None = None
    by_time: bool = False
    validates: bool = True
    batches: int | None = None
    accumulated: int | None = 1
    devices: int | None = None
    is_told: bool = False

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> "TrialLength":
        """Read the `trainer` section of a configuration, or of a study's fixed part.

        Raises:
            BadLength: it trains on several machines, or does not say on how many devices it trains together.
        """
        trainer = configuration.get("trainer")
        trainer = dict(trainer) if isinstance(trainer, Mapping) else {}
        if fast := trainer.get("fast_dev_run"):
            return cls(1, max_steps=int(fast), devices=devices_of(trainer))
        epochs, steps = _limit(trainer.get("max_epochs")), _limit(trainer.get("max_steps"))
        by_time = trainer.get("max_time") is not None
        if trainer.get("max_epochs") is None and steps is None and not by_time:
            epochs = EPOCHS
        interval = trainer.get("val_check_interval")
        accumulated = trainer.get("accumulate_grad_batches")
        return cls(
            max_epochs=epochs,
            max_steps=steps,
            max_time=by_time,
            every=trainer.get("check_val_every_n_epoch", 1),
            interval=interval if _is_whole(interval) else None,
            share=interval if isinstance(interval, float) and interval < 1 else None,
            by_time=isinstance(interval, str | Mapping),
            validates=trainer.get("limit_val_batches") != 0 or bool(trainer.get("overfit_batches")),
            accumulated=accumulated if _is_whole(accumulated) else 1,
            devices=devices_of(trainer),
        )

    def told(
        self,
        *,
        batches: int | None,
        interval: int | None,
        validates: bool,
        accumulated: int | None,
        devices: int,
    ) -> "TrialLength":
        """Complete the length by what a training tells as it begins: see `EpochSize`."""
        return replace(
            self, batches=batches, interval=interval, share=None, validates=validates,
            accumulated=accumulated, devices=self.devices or devices, is_told=True,
        )  # fmt: skip

    @property
    def epochs(self) -> float | None:
        """The epochs of a trial, a broken last one as a share; None where they are not known."""
        ends = self._ends()
        if ends is None:
            return None
        full, rest = ends
        return float(full) if not rest else None if self.batches is None else full + rest / self.batches

    @property
    def validations(self) -> int | None:
        """The validations of a trial; None where they are not known, or not known yet."""
        if self.by_time or (self.share is not None and self.validates):
            return None
        if self.every is None and self.validates:
            return self._anywhere()
        ends = self._ends()
        if ends is None:
            return None
        full, rest = ends
        if not self.validates:
            return full + (rest > 0)
        within, every = self.in_epoch, self.every or 1
        if within is None:
            return None
        is_due = (full + 1) % every == 0
        broken = rest // self.interval if is_due and self.interval is not None else 0
        return full // every * within + broken

    @property
    def in_epoch(self) -> int | None:
        """The validations of an epoch that has some; None where they are not known."""
        if self.interval is None:
            return None if self.share is not None or self.by_time else 1
        return None if self.batches is None else self.batches // self.interval

    def epochs_at(self, validation: int) -> float:
        """Give how many epochs have been trained at the end of a validation, counted from 1; 0 is the start.

        Where that depends on data that have not told it, each validation counts as one epoch.
        """
        if validation <= 0:
            return 0.0
        if not self.validates or not self.counts_epochs:
            return float(validation if self.epochs is None else min(validation, self.epochs))
        if self.every is None:
            return validation * (self.interval or 0) / (self.batches or 1)
        if self.share is not None:
            within, part = max(1, int(1 / self.share)), self.share
        else:
            within, part = (
                self.in_epoch or 1,
                1.0 if self.interval is None else self.interval / (self.batches or 1),
            )
        done, here = divmod(validation - 1, within)
        return (done + 1) * self.every - 1 + (here + 1) * part

    @property
    def counts_epochs(self) -> bool:
        """Say whether validations can be turned into epochs."""
        if not self.validates or self.share is not None:
            return True
        if self.by_time:
            return False
        return (self.interval is None and self.every is not None) or self.batches is not None

    def first_rung(self) -> int | None:
        """Give the validation at which a trial may first be stopped; None where none may be."""
        validations = self.validations
        if validations is None or validations <= 1:
            return None
        return max(2, math.ceil(validations / FIRST_RUNG))

    @property
    def why_unpruned(self) -> str:
        """Say why the default pruner stops nothing, or less than it seems; empty where it works."""
        if self.validations is not None and not self.max_time:
            return ""
        if self.validations is not None:
            return (
                "Rungs stand at a ninth and a third of trainer.max_epochs or max_steps; a trial that "
                "trainer.max_time ends before is not pruned."
            )
        if self.by_time:
            reason = "validations are due by the clock (trainer.val_check_interval)"
        elif self.max_epochs is None and self.max_steps is None:
            what = "only trainer.max_time ends" if self.max_time else "nothing ends"
            reason = f"{what} a trial; set trainer.max_epochs or trainer.max_steps"
        elif self.is_told:
            reason = (
                "the training data have no length, or the steps of an epoch change; "
                "set trainer.limit_train_batches"
            )
        else:
            return ""  # the data will tell
        return f"No trial is pruned, because nobody knows how many validations it has: {reason}."

    def _ends(self) -> tuple[int, int] | None:
        """Give the full epochs of a trial and the batches of a broken one behind them, if they are known."""
        if self.max_steps is None:
            return None if self.max_epochs is None else (self.max_epochs, 0)
        if self.accumulated is None or not self.batches:
            return None
        full, steps = divmod(self.max_steps, math.ceil(self.batches / self.accumulated))
        if self.max_epochs is not None and full >= self.max_epochs:
            return self.max_epochs, 0
        return full, min(steps * self.accumulated, self.batches)

    def _anywhere(self) -> int | None:
        """Count the validations that follow each other by batches, wherever epochs end."""
        if self.interval is None:
            return None
        ends = self._ends()
        if ends is not None and (self.batches is not None or ends == (0, 0)):
            return (ends[0] * (self.batches or 0) + ends[1]) // self.interval
        if self.max_steps is not None and self.max_epochs is None and self.accumulated == 1 and self.is_told:
            return self.max_steps // self.interval
        return None


def devices_of(trainer: Mapping[str, Any]) -> int | None:
    """Count the devices that a `trainer` section names; None where it leaves them to the machine.

    Raises:
        BadLength: it trains on several machines, on all devices or more than a machine has, or by a strategy
            for several devices without their number.
    """
    count = _devices_named(trainer)
    if count is not None and count > MOST_DEVICES:
        raise BadLength("trainer.devices", f"must be at most {MOST_DEVICES} of one machine, but got {count}.")
    return count


def _devices_named(trainer: Mapping[str, Any]) -> int | None:
    if trainer.get("num_nodes") not in {None, 1}:
        raise BadLength("trainer.num_nodes", "must be 1: a trial trains on one machine.")
    devices, strategy = trainer.get("devices", "auto"), trainer.get("strategy", "auto")
    if devices in (-1, "-1", [-1], "[-1]"):
        raise BadLength(
            "trainer.devices",
            f"must say how many devices a trial trains on, but got {devices!r}, which takes all that a "
            "machine has; write their number, such as `devices: 2`.",
        )
    if isinstance(devices, str) and "," in devices:
        return len([part for part in devices.split(",") if part.strip()])
    if isinstance(devices, str) and devices.strip().isdecimal():
        devices = int(devices)
    if isinstance(devices, list | tuple):
        return len(devices)
    if _is_whole(devices) and devices > 0:
        return int(devices)
    if isinstance(strategy, str) and strategy.startswith(("ddp", "fsdp", "deepspeed")):
        raise BadLength(
            "trainer.devices", f"must say how many devices {strategy} trains on, but got {devices!r}."
        )
    return None


def _limit(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
