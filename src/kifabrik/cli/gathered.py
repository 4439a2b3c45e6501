"""Options that belong together, gathered in a dataclass: a command takes the object, the terminal sees each option.

Knows typer, no command.
"""

import inspect
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

from typer.models import OptionInfo


def gather(command: Callable[..., None]) -> Callable[..., None]:
    """Spread each parameter that is a dataclass of options; its first sentence becomes the heading in the help."""
    parameters = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: each.annotation
        for name, each in parameters.items()
        if isinstance(each.annotation, type) and is_dataclass(each.annotation)
    }
    spread = [
        part for name, each in parameters.items() for part in (_spread(groups[name]) if name in groups else (each,))
    ]

    def call(**words: object) -> None:
        gathered = {
            name: group(**{each.name: words.pop(each.name) for each in fields(group)}) for name, group in groups.items()
        }
        command(**gathered, **words)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {each.name: each.annotation for each in spread}
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # every function may carry one
        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in spread]
    )
    return call


def _spread(group: type[Any]) -> Iterator[inspect.Parameter]:
    heading = (group.__doc__ or "").partition(".")[0]
    hints = get_type_hints(group, include_extras=True)
    for each in fields(group):
        kind, option = get_args(hints[each.name])
        titled: OptionInfo = copy(option)
        titled.rich_help_panel = heading
        yield inspect.Parameter(
            each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=Annotated[kind, titled]
        )
