"""What a training process says of the exception that ended it."""

import pytest
import torch

from tuner.training.ends import Fault
from tuner.training.process.child import _cause, _fault

# As torch 2.11 has written them on an H100.
FULL = (
    "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in https://docs.nvidia.com for more.\n"
    "CUDA kernel errors might be asynchronously reported at some other API call.\n"
    "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
)
ASSERTION = (
    "CUDA error: device-side assert triggered\nSearch for `cudaErrorAssert' in https://docs.nvidia.com\n"
)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4000.00 GiB."),
        torch.AcceleratorError(FULL),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_no_error_of_full_memory_is_a_mistake_of_the_module(error: Exception) -> None:
    """A GPU that another program has filled is told by several errors, and each may be tried again."""
    assert _fault(error) is Fault.MEMORY


def test_an_assertion_in_a_kernel_is_told_in_one_line() -> None:
    """It is the module's fault, and torch's advice, the same each time, stands in the traceback only."""
    error = torch.AcceleratorError(ASSERTION)
    assert _fault(error) is Fault.CODE
    assert _cause(error) == (
        "AcceleratorError: CUDA error: device-side assert triggered; the trial's log shows which"
    )
