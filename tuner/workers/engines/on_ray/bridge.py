"""A process that talks to a Ray cluster for us: `python -m tuner.workers.engines.on_ray.bridge ADDRESS`.

Ray ends the process that is connected when its cluster goes away, takes its signals, prints to its terminal,
and tries for minutes to reach a cluster that is not there. So none of that happens in ours: it writes a
question to this process as a line of JSON, reads the answer as another, and kills it when none comes.
"""

import json
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError

from tuner.workers.engines.on_ray import actor

ANSWERS = 3.0  # seconds that actors have to answer; those that have no place yet do not
STARTS = 10.0  # seconds within which an actor answers that has a place
KILLED = 10.0  # seconds within which Ray has forgotten a killed actor


class Cluster:
    """A cluster that this process is connected to."""

    def __init__(self, address: str) -> None:
        """Connect to it; `auto` means the one of this machine."""
        ray.init(address=address, log_to_driver=False, configure_logging=False)
        is_client = address.startswith("ray://")
        self.address = address if is_client else ray.get_runtime_context().gcs_address
        self._asked: dict[tuple[str, int], Any] = {}  # what an actor without a place is to answer
        self._why: dict[tuple[str, int], str] = {}  # how workers ended whose actors are gone

    def nodes(self) -> list[dict[str, Any]]:
        """List the nodes: host and address; cores and GPUs, and memory in gigabytes."""
        nodes = [(node, node["Resources"]) for node in ray.nodes() if node["Alive"]]
        return [
            {
                "host": node["NodeManagerHostname"],
                "address": node["NodeManagerAddress"],
                "cpus": has.get("CPU", 0.0),
                "gpus": has.get("GPU", 0.0),
                "memory": has.get("memory", 0.0) / 1e9,
            }
            for node, has in nodes
        ]

    def submit(self, space: str, workers: list[dict[str, Any]], needs: dict[str, Any]) -> None:
        """Make the actors, which stay when this process ends.

        Args:
            space: the namespace that they are in.
            workers: what each is given, see `Held`.
            needs: the resources of each, as Ray's options.
        """
        ray.cloudpickle.register_pickle_by_value(actor)
        options = {
            "namespace": space,
            "lifetime": "detached",
            "max_restarts": -1,
            "max_concurrency": 8,  # it answers while it waits for its worker to leave
            "scheduling_strategy": "SPREAD",
            **needs,
        }
        held = ray.remote(actor.Held)
        try:
            for index, given in enumerate(workers):
                held.options(name=_name(index), **options).remote(**given)
        except BaseException:
            self.cancel(space, len(workers), 0.0)
            raise

    def _actors(self, space: str, workers: int) -> dict[int, Any]:
        """Give the actors that are there or shall be, by their numbers."""
        found = {}
        for index in range(workers):
            with suppress(ValueError):  # Ray knows none of that name
                found[index] = ray.get_actor(_name(index), space)
        return found

    def states(self, space: str, workers: int, patience: float = ANSWERS) -> list[dict[str, Any]]:
        """Say how each worker is: `is_running` is None while it has no place."""
        actors = self._actors(space, workers)
        for index, each in actors.items():
            if (space, index) not in self._asked:
                self._asked[space, index] = each.state.remote()
        waited = [self._asked[space, index] for index in actors]
        answered = set(ray.wait(waited, num_returns=len(waited), timeout=patience)[0]) if waited else set()
        return [
            self._state(space, index, answered)
            if index in actors
            else {"is_running": False, "where": "", "why": self._why.get((space, index), "")}
            for index in range(workers)
        ]

    def _state(self, space: str, index: int, answered: set[Any]) -> dict[str, Any]:
        asked = self._asked[space, index]
        if asked not in answered:
            return {"is_running": None, "where": "", "why": "Ray has found no place for it yet"}
        del self._asked[space, index]
        try:
            state: dict[str, Any] = ray.get(asked)
        except ActorUnavailableError:
            return {"is_running": None, "where": "", "why": "Ray begins it anew"}
        except ActorDiedError as error:
            state = {"is_running": False, "where": "", "why": f"Ray: {_first_line(error)}"}
        self._why[space, index] = state["why"]
        return state

    def cancel(self, space: str, workers: int, grace: float) -> None:
        """Have the workers leave, and forget their actors."""
        actors = self._actors(space, workers)
        left = {index: each.leave.remote(grace) for index, each in actors.items()}
        states = self.states(space, workers, STARTS)
        asked = [left[index] for index in actors if states[index]["is_running"] is not None]
        if asked:
            ray.wait(asked, num_returns=len(asked), timeout=grace + 3 * actor.LEAVING)
        for each in actors.values():
            ray.kill(each, no_restart=True)
        until = time.monotonic() + KILLED
        while self._actors(space, workers) and time.monotonic() < until:
            time.sleep(0.1)


def _name(index: int) -> str:
    return f"worker-{index}"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _questions() -> "queue.SimpleQueue[str]":
    """Read the questions; this process ends with the one that asks."""
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            questions.put(line)
        os._exit(0)

    threading.Thread(target=read, name="questions", daemon=True).start()
    return questions


def main(address: str) -> None:
    """Answer questions until nobody is there to ask."""
    questions = _questions()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what Ray prints is no answer

        def say(**answer: Any) -> None:
            answers.write(f"{json.dumps(answer)}\n")
            answers.flush()

        try:
            cluster = Cluster(address)
        except Exception as error:  # noqa: BLE001 - whatever Ray raises is told to who asks
            say(away=_first_line(error))
            return
        say(given=cluster.address)
        while True:
            question = json.loads(questions.get())
            try:
                say(given=getattr(cluster, question["do"])(**question["of"]))
            except Exception as error:  # noqa: BLE001 - as above
                say(away=_first_line(error))


if __name__ == "__main__":
    main(sys.argv[1])
