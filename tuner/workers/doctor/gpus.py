"""GPUs: what the driver says of them, and whether torch sees the same."""

import json
import sys
from pathlib import Path

from tuner.workers.doctor.bounded import ran
from tuner.workers.doctor.check import EACH, NOTE, OK, WRONG, Asked, Check, Finding
from tuner.workers.gpus import DEVICES, VISIBLE

SECONDS = 5.0  # that the driver has to answer; one that hangs holds whoever asks it for good
_ASK = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
_TORCH = (
    "import json, torch\n"
    "count = torch.cuda.device_count()\n"
    "print(json.dumps([count, torch.version.cuda, count and torch.ones(2, device='cuda').sum().item()]))"
)


def _driver(asked: Asked) -> Finding:
    try:
        listed = ran(_ASK, SECONDS, asked.environment)
    except OSError:
        there = [device for device in DEVICES if Path(device).exists()]
        if there:
            return Finding(
                NOTE, f"there is {there[0]} and no nvidia-smi, so nobody can say which GPUs there are"
            )
        return Finding(OK, "no GPU: trainings use the processor", is_end=True)
    if listed is None:
        return Finding(
            WRONG,
            f"nvidia-smi gives no answer within {SECONDS:g} s: the driver hangs",
            "dmesg | grep -i nvrm, and start this machine again",
        )
    if listed.code:
        said = (listed.out.strip() or listed.err.strip() or f"exit code {listed.code}").splitlines()[0]
        return Finding(
            WRONG,
            f"nvidia-smi fails: {said}",
            "nvidia-smi shows the same; install the driver anew, or leave --gpus out",
        )
    cards = [line.strip().rpartition(", ") for line in listed.out.splitlines() if line.strip()]
    if not cards:
        return Finding(OK, "no GPU: trainings use the processor", is_end=True)
    kinds = {name: sum(card[0] == name for card in cards) for name, _, _ in cards}
    hidden = (
        f", of which {VISIBLE}={asked.environment[VISIBLE]} are used" if VISIBLE in asked.environment else ""
    )
    return Finding(
        OK, f"{', '.join(f'{count} x {name}' for name, count in kinds.items())}, driver {cards[0][2]}{hidden}"
    )


def _torch(asked: Asked) -> Finding | None:
    """Have torch add two numbers on a GPU, in a process of its own."""
    if asked.environment.get(VISIBLE, "0").strip() in ("", "-1"):
        return None  # GPUs are hidden on purpose
    ended = ran([sys.executable, "-P", "-c", _TORCH], EACH, asked.environment)
    if ended is None:
        return Finding(
            NOTE,
            f"torch has not used a GPU within {EACH:g} s",
            f"python -c {_TORCH.splitlines()[0]!r} shows whether that alone takes so long",
        )
    if ended.code:
        return Finding(
            WRONG,
            f"torch cannot use the GPU: {ended.last}",
            "nvidia-smi shows whether another process has filled it",
        )
    count, cuda, _ = json.loads(ended.out.splitlines()[-1])
    if count:
        return Finding(OK, f"torch uses {count} of them, with CUDA {cuda}")
    if cuda is None:
        return Finding(
            WRONG,
            "torch sees no GPU: it was built for processors only",
            "pip install torch, as https://pytorch.org/get-started says for CUDA",
        )
    return Finding(
        WRONG,
        f"torch was built for CUDA {cuda} and sees no GPU",
        "bring the driver up to date, or install a torch for an older CUDA",
    )


_HANGS = Finding(WRONG, "the driver gives no answer", "dmesg | grep -i nvrm, and start this machine again")
CHECKS = (Check("GPUs", _driver, late=_HANGS), Check("torch", _torch, "GPUs"))
