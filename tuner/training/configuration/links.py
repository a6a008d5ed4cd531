"""The links that a subclass of LightningCLI makes, where a configuration names the classes."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tuner.training.configuration.class_paths import import_cli

_NAMED_CLASSES = ("model", "data")
_OF_NAMED_CLASS = ("class_path", "init_args")


def link_targets(configuration: Mapping[str, Any]) -> frozenset[str]:
    """Give the keys that the links of a configuration's `cli` fill; none where it names no such class.

    Raises:
        BadConfiguration: the class cannot be imported.
    """
    return frozenset(of_named_class(links[-1]) for links in _links(configuration))


def wants_fixed_classes(configuration: Mapping[str, Any]) -> bool:
    """Say whether the links of a configuration's `cli` are those of `MyCLI(MyModule, MyData)`.

    Such a LightningCLI reads `model.width`, where one that is told the classes by the configuration reads
    `model.init_args.width`.

    Raises:
        BadConfiguration: the class cannot be imported.
    """
    return any(key != of_named_class(key) for link in _links(configuration) for key in link)


def _links(configuration: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Give the links of a configuration's `cli`: the keys read while it is parsed, then the one filled."""
    own = import_cli(configuration)
    if own is None:
        return []
    links: list[tuple[str, ...]] = []
    base: Any = own

    class Listener(base):  # type: ignore[misc]
        """Hears of the links, and reads nothing."""

        def init_parser(self, **kwargs: Any) -> Any:
            """Let the parser note the links."""
            return linking_named_classes(super().init_parser(**kwargs), links)

        def parse_arguments(self, parser: Any, args: Any) -> None:
            """Read nothing: the links are known by now."""
            raise _Heard

    with suppress(_Heard):
        Listener(
            args={},
            run=False,
            save_config_callback=None,
            seed_everything_default=False,
            subclass_mode_model=True,
            subclass_mode_data=True,
        )
    return links


class _Heard(Exception):
    """The links of a LightningCLI are known."""


def linking_named_classes(parser: Any, links: list[tuple[str, ...]] | None = None) -> Any:
    """Let a parser take the links that a subclass of LightningCLI makes for classes of its own.

    Args:
        parser: a LightningCLI's.
        links: where the links are noted.
    """
    link = parser.link_arguments

    def link_arguments(
        source: str | tuple[str, ...], target: str, compute_fn: Any = None, apply_on: str = "parse"
    ) -> None:
        sources = (source,) if isinstance(source, str) else source
        read = sources if apply_on == "parse" else ()
        if links is not None:
            links.append((*read, target))
        if read:
            sources = tuple(map(of_named_class, sources))
        link(sources, of_named_class(target), compute_fn, apply_on=apply_on)

    parser.link_arguments = link_arguments
    return parser


def of_named_class(key: str) -> str:
    """Write a key of the module's or the data's arguments as it is where a `class_path` names the class.

    `MyCLI(MyModule, MyData)` has `model.width`, and a configuration of ours `model.init_args.width`.
    """
    section, _, argument = key.partition(".")
    is_short = section in _NAMED_CLASSES and argument and argument.partition(".")[0] not in _OF_NAMED_CLASS
    return f"{section}.init_args.{argument}" if is_short else key
