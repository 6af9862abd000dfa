"""An error tells what was seen, what was expected, the last words, the command, and what to try."""

import inspect
import re

from wavetank import errors
from wavetank.errors import InputError, StepError, WavetankError


def test_an_error_tells_all_it_knows_in_reading_order() -> None:
    error = StepError(
        "step 'create nodes' failed",
        observed="exit code 1",
        expected="three nodes",
        logs=["first", "last"],
        command="docker logs wavetank-worker",
        hint="wavetank up",
    )
    assert str(error).splitlines() == [
        "step 'create nodes' failed",
        "  observed: exit code 1",
        "  expected: three nodes",
        "  last words:",
        "    | first",
        "    | last",
        "  see more: docker logs wavetank-worker",
        "  try: wavetank up",
    ]


def test_what_is_not_known_is_left_out() -> None:
    assert str(WavetankError("the engine went away", hint="start it")) == "the engine went away\n  try: start it"


def test_bad_input_begins_with_file_and_line() -> None:
    assert str(InputError("unknown key 'nodez'", where="clusters/kind.yaml:4")).startswith("clusters/kind.yaml:4: ")


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or "")) | {"WavetankError"}
    coded = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert drawn == coded
    assert coded <= set(errors.__all__)
