"""Finding what a configuration names: its classes, their arguments, the Lightning it belongs to."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from types import ModuleType
from typing import Any, get_type_hints

from tuner.errors import BadConfiguration

PACKAGES = ("pytorch_lightning", "lightning.pytorch")
# What `assembly` and `links` tell a subclass of LightningCLI; what its parent takes beside these is its own.
_OF_CLI = (
    "args", "run", "save_config_callback", "seed_everything_default", "trainer_defaults", "parser_kwargs",
    "subclass_mode_model", "subclass_mode_data",
)  # fmt: skip
_MADE_FROM_ARGUMENTS = ("model", "data")  # an optimizer needs the parameters too, which are not given here
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_CLASS_SECTIONS = ("model", "data", "optimizer", "lr_scheduler")


def import_class(class_path: str, key: str) -> type:
    """Import a class by its path.

    Args:
        class_path: `package.module.Class`.
        key: the configuration key that names it, for the message.

    Raises:
        BadConfiguration: there is no such module or class.
    """
    module_name, _, name = class_path.rpartition(".")
    if not module_name:
        raise BadConfiguration(
            key, f"{class_path!r} must be an import path, such as package.module.{class_path}."
        )
    module = _import(module_name, class_path, key)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        near = get_close_matches(name, [n for n, v in vars(module).items() if isinstance(v, type)], n=1)
        hint = f"did you mean {module_name}.{near[0]}?" if near else f"check what {module_name} defines."
        raise BadConfiguration(key, f"module {module_name} has no class {name!r}; {hint}")
    return found


def import_maker(path: str, key: str) -> Callable[..., Any]:
    """Import what a `class_path` names: a class, or a function or class method that returns an object.

    Args:
        path: `package.module.Class`, `package.module.function` or `package.module.Class.method`.
        key: the configuration key that names it, for the message.

    Raises:
        BadConfiguration: there is nothing of that name, or it does not say which class it makes.
    """
    function = _function(path)
    if function is None:
        return import_class(path, key)
    if made_by(function) is None:
        raise BadConfiguration(
            key,
            f"{path} is a function that does not say which class it returns, and LightningCLI needs to know; "
            "write it behind `->`, such as `-> LightningModule`.",
        )
    return function


def made_by(maker: Callable[..., Any]) -> type | None:
    """Give the class of what a class or a function makes; None where a function does not say it."""
    if isinstance(maker, type):
        return maker
    try:
        returned = get_type_hints(maker).get("return")
    except (NameError, TypeError, AttributeError):  # an annotation that cannot be read
        return None
    if not isinstance(returned, type):
        return None
    home = getattr(maker, "__self__", None)  # of a class method, which makes that very class
    return home if isinstance(home, type) and issubclass(home, returned) else returned


def import_made(path: str, key: str) -> type:
    """Import the class of what a `class_path` makes.

    Raises:
        BadConfiguration: as `import_maker`.
    """
    made = made_by(import_maker(path, key))
    if made is None:
        raise AssertionError(path)
    return made


def _function(path: str) -> Callable[..., Any] | None:
    """Import a function, or a method of a class; None where the path names no such thing."""
    home, _, name = path.rpartition(".")
    place: Any = None
    for module, parts in ((home, ()), (home.rpartition(".")[0], (home.rpartition(".")[2],))):
        if not module:
            continue
        with suppress(ModuleNotFoundError):
            place = importlib.import_module(module)
            for part in parts:
                place = getattr(place, part, None)
            break
    found = getattr(place, name, None)
    is_one = inspect.isroutine(found) and (inspect.ismodule(place) or isinstance(place, type))
    return found if is_one else None


def _import(module_name: str, class_path: str, key: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        missing = getattr(error, "name", None) or module_name
        remedy = (
            "install it, or run from the folder that holds it" if missing in module_name else "install it"
        )
        raise BadConfiguration(key, f"{class_path} cannot be imported: {error}; {remedy}.") from error


def package_of(configuration: Mapping[str, Any]) -> str:
    """Name the Lightning that a configuration's module comes from."""
    module = import_made(configuration["model"]["class_path"], "model.class_path")
    origins = [parent.__module__ for parent in inspect.getmro(module)]
    for package in PACKAGES:
        if any(origin == package or origin.startswith(f"{package}.") for origin in origins):
            return package
    raise BadConfiguration(
        "model.class_path", f"{module.__name__} is no LightningModule; name a subclass of LightningModule."
    )


def check_names(configuration: Mapping[str, Any]) -> None:
    """Refuse classes that do not exist and arguments that they do not take, before anything is made.

    Raises:
        BadConfiguration: the first such name.
    """
    package = importlib.import_module(package_of(configuration))
    _check_arguments(package.Trainer, configuration.get("trainer") or {}, "trainer")
    for section in _CLASS_SECTIONS:
        part = configuration.get(section)
        if part is None:
            continue
        if isinstance(part, str):
            part = {"class_path": part}
        if not isinstance(part, Mapping) or not isinstance(part.get("class_path"), str):
            raise BadConfiguration(
                section, f"must be {{class_path: ..., init_args: {{...}}}}, but got {part!r}."
            )
        unknown = sorted(set(part) - {"class_path", "init_args"})
        if unknown:
            raise BadConfiguration(
                f"{section}.{unknown[0]}", "is not known; put the class's arguments under `init_args`."
            )
        maker = import_maker(part["class_path"], f"{section}.class_path")
        _check_arguments(maker, part.get("init_args") or {}, f"{section}.init_args")
        if section in _MADE_FROM_ARGUMENTS and not configuration.get("cli"):  # whose links give arguments
            _check_complete(maker, part.get("init_args") or {}, f"{section}.init_args")


def import_cli(configuration: Mapping[str, Any]) -> type | None:
    """Import the subclass of LightningCLI that a configuration names by `cli`; None where it names none.

    Raises:
        BadConfiguration: there is no such class, or it is no LightningCLI of the module's package.
    """
    path = configuration.get("cli")
    if path is None:
        return None
    if not isinstance(path, str):
        raise BadConfiguration("cli", f"must be the import path of a class, but got {path!r}.")
    cli, package = import_class(path, "cli"), package_of(configuration)
    base: type = importlib.import_module(f"{package}.cli").LightningCLI
    if not issubclass(cli, base):
        raise BadConfiguration(
            "cli",
            f"{cli.__name__} is no subclass of {package}.cli.LightningCLI; name one, or leave `cli` out.",
        )
    try:
        inspect.signature(cli).bind(**dict.fromkeys(_OF_CLI))
    except TypeError as error:
        raise BadConfiguration(
            "cli",
            f"{cli.__name__} cannot be called as LightningCLI is: {error}; write `__init__(self, **kwargs)` "
            "that calls `super().__init__(**kwargs)`, and put what it sets into `set_defaults`.",
        ) from error
    return cli


def check_data(configuration: Mapping[str, Any]) -> None:
    """Refuse data of the other Lightning, whose trainer would not take them.

    Raises:
        BadConfiguration: the data's class is no LightningDataModule of the module's package.
    """
    package, part = package_of(configuration), configuration.get("data")
    if not isinstance(part, Mapping):
        return
    data = import_made(part["class_path"], "data.class_path")
    if not issubclass(data, importlib.import_module(package).LightningDataModule):
        raise BadConfiguration(
            "data.class_path",
            f"{data.__name__} is no LightningDataModule of {package}, from which the module comes; "
            f"take both from one package.",
        )


def _check_arguments(cls: Callable[..., Any], given: Mapping[str, Any], key: str) -> None:
    if not isinstance(given, Mapping):
        raise BadConfiguration(key, f"must map arguments to values, but got {given!r}.")
    try:
        taken = inspect.signature(cls).parameters
    except ValueError as error:  # a class of C, which is none of a training
        raise BadConfiguration(
            key.replace("init_args", "class_path"),
            f"{cls.__name__} does not say what it takes; name another.",
        ) from error
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        return  # the parser follows **kwargs better than we could
    for name in given:
        if name not in taken:
            near = get_close_matches(str(name), taken, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(taken) or 'none'}."
            raise BadConfiguration(f"{key}.{name}", f"{cls.__name__} takes no such argument; {hint}")


def _check_complete(cls: Callable[..., Any], given: Mapping[str, Any], key: str) -> None:
    for name, parameter in inspect.signature(cls).parameters.items():
        is_needed = parameter.default is parameter.empty and parameter.kind not in _VARIADIC
        if is_needed and name not in given:
            raise BadConfiguration(f"{key}.{name}", f"is missing, and {cls.__name__} needs it.")
