"""Where what belongs to a study lies: a folder whose name cannot lead anywhere else."""

import hashlib

from studies.definition.settings import PLAIN

_LONGEST = 200  # characters; file systems take 255 bytes


def folder_name(study: str) -> str:
    """Give the name of a study's folder: the study's own, or a digest where a folder cannot be called so.

    A study of a database may have been named by anyone: `../precious`, `/etc`, a text with line breaks. No
    name that a study file may give begins with an underscore, so a digest stands for no other study.
    """
    if len(study) <= _LONGEST and PLAIN.fullmatch(study):
        return study
    return f"_study-{hashlib.sha256(study.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
