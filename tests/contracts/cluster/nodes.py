"""The rest of a small cluster: Jobs make pods, and pods run as processes of this machine."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contracts.cluster.api import Api, Thing
from tuner.training.process.parent import die_with_parent

TICK = 0.05  # seconds
IMAGE = "registry.example/project:1"
_INDEX = "batch.kubernetes.io/job-completion-index"
_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


class Nodes:
    """Plays the controller of Jobs, the collector of what a Job owned, and one node."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed_at: dict[str, float] = {}
        self.disrupted: set[str] = set()
        self.gpus = 0
        self.is_quota_used_up = False
        self.made = 0

    def evict(self, pod: Thing) -> None:
        """Have a pod leave as one of higher priority, or a drained node, does."""
        with self.api.lock:
            self.disrupted.add(pod["metadata"]["name"])
            self._ask(pod["metadata"]["name"], 30.0)

    def tick(self) -> None:
        """Do what is due."""
        with self.api.lock:
            for job in self.api.all("jobs"):
                self._job(job)
            for pod in self.api.all("pods"):
                self._pod(pod)

    def _job(self, job: Thing) -> None:
        uid = job["metadata"]["uid"]
        own = [each for each in self.api.all("pods") if each["metadata"]["ownerReferences"][0]["uid"] == uid]
        if "deletionTimestamp" in job["metadata"]:
            self._collect(job, own)
        elif not job["spec"].get("suspend") and "conditions" not in job.setdefault("status", {}):
            self._work(job, own)

    def _collect(self, job: Thing, own: list[Thing]) -> None:
        """Delete what a Job owned, then the Job, as is done where its deletion is to be in the foreground."""
        for pod in own:
            if "deletionTimestamp" not in pod["metadata"]:
                grace = pod["spec"]["terminationGracePeriodSeconds"]
                pod["metadata"].update(deletionTimestamp="now", deletionGracePeriodSeconds=grace)
        if own:
            return
        self.api.drop("jobs", job)
        for secret in self.api.all("secrets"):
            owners = secret["metadata"].get("ownerReferences", [])
            if any(each["uid"] == job["metadata"]["uid"] for each in owners):
                self.api.drop("secrets", secret)

    def _work(self, job: Thing, own: list[Thing]) -> None:
        """Count how the pods of a Job are, and make those that are missing."""
        spec, status = job["spec"], job["status"]
        found: dict[str, list[int]] = {
            "Succeeded": [],
            "FailIndex": [],
            "Count": [],
            "Ignore": [],
            "active": [],
        }
        for pod in own:
            phase = pod["status"]["phase"]
            how = self.action(spec, pod) if phase == "Failed" else phase
            found.get(how, found["active"]).append(int(pod["metadata"]["annotations"][_INDEX]))
        deaths = Counter(found["Count"])
        done = set(found["Succeeded"])
        failed = {index for index in deaths if deaths[index] > spec["backoffLimitPerIndex"]} | set(
            found["FailIndex"]
        )
        status["completedIndexes"] = ",".join(map(str, sorted(done)))
        status["failedIndexes"] = ",".join(map(str, sorted(failed)))
        if len(done | failed) == spec["completions"]:
            status["conditions"] = [{"type": "Failed" if failed else "Complete", "status": "True"}]
        for index in set(range(spec["completions"])) - done - failed - set(found["active"]):
            self._make(job, index)

    def _make(self, job: Thing, index: int) -> None:
        if self.is_quota_used_up:
            told = {"metadata": {"name": "event"}, "involvedObject": {"uid": job["metadata"]["uid"]}}
            self.api.add(
                "events",
                job["metadata"]["namespace"],
                told | {"message": "pods are forbidden: exceeded quota"},
            )
            return
        self.made += 1
        pod = json.loads(json.dumps(job["spec"]["template"])) | {
            "kind": "Pod",
            "status": {"phase": "Pending"},
        }
        pod["metadata"] |= {
            "name": f"{job['metadata']['name']}-{index}-{self.made:05}",
            "annotations": {_INDEX: str(index)},
            "ownerReferences": [{"uid": job["metadata"]["uid"]}],
        }
        pod["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = job["metadata"]["uid"]
        self.api.add("pods", job["metadata"]["namespace"], pod)

    def action(self, spec: Thing, pod: Thing) -> str:
        """Say what the policy of a Job makes of a pod that has failed."""
        code = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        for rule in spec["podFailurePolicy"]["rules"]:
            if code in rule.get("onExitCodes", {}).get("values", []):
                return str(rule["action"])
            types = {each["type"] for each in pod["status"].get("conditions", ())}
            if types & {each["type"] for each in rule.get("onPodConditions", ())}:
                return str(rule["action"])
        return "Count"

    def _pod(self, pod: Thing) -> None:
        name, status = pod["metadata"]["name"], pod["status"]
        process = self.processes.get(name)
        if process is None and "deletionTimestamp" in pod["metadata"]:
            self.api.drop("pods", pod)
        elif process is None and status["phase"] == "Pending":
            self._begin(pod)
        elif process is not None:
            if "deletionTimestamp" in pod["metadata"]:
                self._ask(name, pod["metadata"]["deletionGracePeriodSeconds"])
            if time.monotonic() > self.killed_at.get(name, float("inf")) and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            if (code := process.poll()) is not None:
                self._end(pod, 128 - code if code < 0 else code)

    def _begin(self, pod: Thing) -> None:
        (container,) = pod["spec"]["containers"]
        wanted = int(container["resources"]["requests"].get("nvidia.com/gpu", 0))
        if wanted > self.gpus:
            message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
            pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": message}]
            return
        pod["spec"]["nodeName"] = "node-1"
        if container["image"] != IMAGE:
            self._wait(pod, "ImagePullBackOff", f'Back-off pulling image "{container["image"]}"')
            return
        variables = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        for each in container["env"]:
            source = each.get("valueFrom", {})
            if held := source.get("secretKeyRef"):
                secret = self.api.things.get(("secrets", pod["metadata"]["namespace"], held["name"]))
                if secret is None:
                    self._wait(pod, "CreateContainerConfigError", f'secret "{held["name"]}" not found')
                    return
                value = base64.b64decode(secret["data"][held["key"]]).decode()
            elif "fieldRef" in source:
                value = pod["metadata"]["annotations"][_INDEX]
            else:
                value = each["value"]
            variables[each["name"]] = expanded(value, variables)
        volume = next(each for each in pod["spec"]["volumes"] if each["name"] == "runs")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        place = self.folder / (claim or pod["metadata"]["name"])
        place.mkdir(parents=True, exist_ok=True)
        mount = container["volumeMounts"][0]["mountPath"]
        words = [expanded(word, variables) for word in container["command"]]
        with self.log(pod).open("wb") as log:
            self.processes[pod["metadata"]["name"]] = subprocess.Popen(
                [str(place) if word == mount else word for word in words],
                env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place,
                start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks for a signal
            )  # fmt: skip
        pod["status"].update(phase="Running", containerStatuses=[{"state": {"running": {}}}])

    def _wait(self, pod: Thing, reason: str, message: str) -> None:
        pod["status"]["containerStatuses"] = [{"state": {"waiting": {"reason": reason, "message": message}}}]

    def _ask(self, name: str, grace: float) -> None:
        end = time.monotonic() + grace
        if name not in self.killed_at:
            self.processes[name].send_signal(signal.SIGTERM)
        self.killed_at[name] = min(end, self.killed_at.get(name, end))

    def _end(self, pod: Thing, code: int) -> None:
        name = pod["metadata"]["name"]
        del self.processes[name]
        last = self.log(pod).read_text(encoding="utf-8")[-2048:] if code else ""
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": last}
        pod["status"].update(
            phase="Failed" if code else "Succeeded", containerStatuses=[{"state": {"terminated": ended}}]
        )
        if name in self.disrupted:
            pod["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
        if "deletionTimestamp" in pod["metadata"]:
            self.api.drop("pods", pod)

    def log(self, pod: Thing) -> Path:
        """Name the file with what a pod prints."""
        return self.folder / f"{pod['metadata']['name']}.log"

    def kill(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def expanded(text: str, variables: dict[str, str]) -> str:
    """Put variables in as a kubelet does; one that is not there stays as it is written."""
    return _VARIABLE.sub(lambda found: variables.get(found[1] or "", found[0]) if found[1] else "$", text)


@contextmanager
def running(nodes: Nodes) -> Iterator[Nodes]:
    """Run the cluster's other parts in a thread."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(TICK):
            nodes.tick()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield nodes
    finally:
        stop.set()
        thread.join()
        nodes.kill()
