"""Text that comes from a database or a module, made safe for a terminal."""

import re

# What a terminal obeys instead of showing, line breaks and tabs aside; marks that turn the direction of
# writing, by which a text shows as another one; and halves of characters, which no stream takes.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Write the characters that a terminal obeys as escapes, such as `\x1b`."""
    return _COMMANDS.sub(lambda found: repr(found[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""Write also line breaks and tabs as escapes, such as `\n`: what is one line stays one."""
    return re.sub(r"[\n\t]", lambda found: repr(found[0])[1:-1], printable(text))
