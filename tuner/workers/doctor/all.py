"""Every check of `tuner doctor`, in the order in which they are shown."""

from tuner.workers.doctor import database, engines, folders, gpus, machine, study, versions

CHECKS = (
    *versions.CHECKS,
    *database.CHECKS,
    *folders.CHECKS,
    *machine.CHECKS,
    *gpus.CHECKS,
    *engines.CHECKS,
    *study.CHECKS,
)
