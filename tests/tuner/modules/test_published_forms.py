"""torch's optimizers against the forms that were published, over several steps, to 1e-6."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

LR, DECAY, STEPS = 0.02, 0.3, 12


def minimized(make: Callable[[list[nn.Parameter]], Optimizer]) -> Tensor:
    """Take the steps of an optimizer down a quartic, and return where it got."""
    weight = nn.Parameter(start())
    optimizer = make([weight])
    for _ in range(STEPS):
        optimizer.zero_grad()
        weight.pow(4).sum().backward()
        optimizer.step()
    return weight.detach()


def start() -> Tensor:
    """Return the first weights."""
    return torch.linspace(-1, 1, 7, dtype=torch.float64)


def test_adamw_is_the_published_one_with_a_decay_of_lr_times_rate() -> None:
    """Loshchilov & Hutter 2019, algorithm 2, whose decay torch multiplies by the learning rate."""
    beta1, beta2, eps = 0.9, 0.99, 1e-8
    w, m, v = start(), torch.zeros(7), torch.zeros(7)
    for step in range(1, STEPS + 1):
        gradient = 4 * w**3
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        adapted = (m / (1 - beta1**step)) / ((v / (1 - beta2**step)).sqrt() + eps)
        w = w - LR * adapted - LR * DECAY * w
    found = minimized(lambda p: AdamW(p, lr=LR, betas=(beta1, beta2), eps=eps, weight_decay=DECAY))
    torch.testing.assert_close(found, w, atol=1e-6, rtol=0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_coupled_and_decoupled_sgd_are_one_without_momentum(momentum: float) -> None:
    """SGD of torch couples; only without momentum that is a shrinking by lr * rate (Loshchilov & Hutter)."""
    coupled, decoupled, buffers = start(), start(), [torch.zeros(7), torch.zeros(7)]
    for _ in range(STEPS):
        buffers[0] = momentum * buffers[0] + 4 * coupled**3 + DECAY * coupled
        coupled = coupled - LR * buffers[0]
        buffers[1] = momentum * buffers[1] + 4 * decoupled**3
        decoupled = decoupled * (1 - LR * DECAY) - LR * buffers[1]
    found = minimized(lambda p: SGD(p, lr=LR, momentum=momentum, weight_decay=DECAY))
    torch.testing.assert_close(found, coupled, atol=1e-6, rtol=0)
    assert torch.allclose(coupled, decoupled, atol=1e-6) == (momentum == 0.0)
