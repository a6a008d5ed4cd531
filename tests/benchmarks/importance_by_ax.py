"""Ask Ax what matters, in an environment of its own: Ax wants other versions of what we use.

    PYTHON_OF_AX tests/benchmarks/importance_by_ax.py < trials.json

`tests/benchmarks/importance_peers.py` runs this and says how to set the environment up. It reads a JSON
object from the standard input: `names`, `choices` (for each name its options, or null for a range from 0 to
1), `places` (a row for each trial) and `losses`. It fits Ax's default model and writes Sobol indices of the
first and of the second order, and the seconds of one core that the fit and the indices took.
"""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def main() -> None:
    """Read trials, fit, and write what Ax says."""
    import torch
    from ax.adapter.registry import Generators
    from ax.api.client import Client
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
    from ax.utils.common.logger import set_ax_logger_levels
    from ax.utils.sensitivity.sobol_measures import ax_parameter_sens

    set_ax_logger_levels("ERROR")
    torch.set_num_threads(1)
    told = json.load(sys.stdin)
    client = Client(random_seed=0)
    client.configure_experiment(
        parameters=[
            RangeParameterConfig(name=name, bounds=(0.0, 1.0), parameter_type="float")
            if choices is None
            else ChoiceParameterConfig(
                name=name, values=[str(c) for c in choices], parameter_type="str", is_ordered=False
            )
            for name, choices in zip(told["names"], told["choices"], strict=True)
        ]
    )
    client.configure_optimization(objective="-loss")
    for place, loss in zip(told["places"], told["losses"], strict=True):
        values = {
            name: float(at) if choices is None else str(choices[round(at)])
            for name, choices, at in zip(told["names"], told["choices"], place, strict=True)
        }
        number = client.attach_trial(parameters=values)
        client.complete_trial(number, raw_data={"loss": float(loss)})
    experiment = client._experiment
    begun = time.process_time()
    adapter = Generators.BOTORCH_MODULAR(experiment=experiment, data=experiment.lookup_data())
    found = {
        order: ax_parameter_sens(adapter, ["loss"], order=order, signed=False)["loss"]
        for order in ("first", "second")
    }
    json.dump({**found, "seconds": time.process_time() - begun}, sys.stdout)


if __name__ == "__main__":
    main()
