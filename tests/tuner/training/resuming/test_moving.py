"""The state of a training finds its device, also where that is another one than before."""

from collections import deque
from types import SimpleNamespace

import pytest
import torch

from tuner.training.resuming.generators import capture, restore
from tuner.training.resuming.own_state import generators_of, packed, put_generators, put_values, unpacked

META = torch.device("meta")  # stands for an accelerator: it takes tensors, and every machine has it


def test_what_was_on_the_cpu_stays_there() -> None:
    """A training on a GPU keeps counters on the CPU, and Lightning's checkpoint would not tell them apart."""
    found = unpacked(packed({("a",): [torch.ones(2)], ("b",): deque([torch.ones(1), 3])}), META)
    assert found["a",][0].device.type == "cpu"
    assert torch.equal(found["a",][0], torch.ones(2))
    assert found["b",][0].device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="it takes a GPU, which most machines lack")
def test_what_was_on_an_accelerator_comes_to_where_the_training_is() -> None:
    """Within lists too, and to the CPU of a machine that has no accelerator."""
    kept = packed({("a",): {"x": [torch.ones(2, device="cuda")]}, ("n",): 3})
    found = unpacked(kept, torch.device("cpu"))
    assert (found["a",]["x"][0].device.type, found["n",]) == ("cpu", 3)


def test_a_value_goes_to_the_device_of_what_stands_in_its_place() -> None:
    """A training that a CPU has left goes on on a GPU, where the module has made its tensors anew."""
    module = SimpleNamespace(
        mean=torch.zeros(2, device=META), history=[torch.zeros(1, device=META)], own=torch.zeros(2)
    )
    values = {("m", name): [torch.ones(1)] if name == "history" else torch.ones(2) for name in vars(module)}
    put_values({"m": module}, values)
    assert (module.mean.device, module.history[0].device) == (META, META)
    assert torch.equal(module.own, torch.ones(2))


def test_a_generator_of_another_kind_of_device_keeps_its_own_state() -> None:
    """The state of a GPU's generator means nothing to one of the CPU, and torch would raise."""
    module = SimpleNamespace(own=torch.Generator().manual_seed(5))
    ((path, (kind, state)),) = generators_of({"m": module}).items()
    before = module.own.get_state()
    put_generators({"m": module}, {path: ("cuda", torch.zeros(16, dtype=torch.uint8))})
    assert torch.equal(module.own.get_state(), before)
    torch.rand(3, generator=module.own)
    put_generators({"m": module}, {path: (kind, state)})
    assert torch.equal(module.own.get_state(), before)


def test_generators_of_more_gpus_than_there_are_are_left_out() -> None:
    """A training that a machine with GPUs has left goes on on one without, or with fewer."""
    here = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    kept = {**capture(), "cuda": [*here, torch.zeros(16, dtype=torch.uint8)]}
    expected = torch.rand(3)
    restore(kept)
    assert torch.equal(torch.rand(3), expected)
