"""Plain data as YAML 1.2 text, in the order in which it was made."""

import io
from typing import Any

from ruamel.yaml import YAML


def yaml_text(data: Any) -> str:
    """Write plain data as YAML that a study file can hold; what is small stands on one line."""
    text = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None  # what fits on a line stands on one
    writer.width = 110
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # typed as None alone
    writer.dump(data, text)
    return text.getvalue()
