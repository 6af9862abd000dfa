"""What a learner predicted, held against what was measured. All pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wavetank.errors import InputError
from wavetank.lesson.lab import Choice, Number, Prediction

__all__ = ["Answer", "Outcome", "Truth", "fitting", "judge", "read_answer", "truth_in_words"]

Answer = float | str
"""A number in the question's unit, or the text of a choice."""

Truth = float | str | bool
"""What was measured."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction and the truth, in words. ``right`` is None when nothing was predicted."""

    question: str
    answer: str
    truth: str
    right: bool | None

    def __str__(self) -> str:
        verdict = {True: "as you predicted", False: "not as you predicted", None: "you made no prediction"}[self.right]
        said = [f"  you said: {self.answer}"] if self.right is not None else []
        return "\n".join([self.question, *said, f"  measured: {self.truth} - {verdict}"])

    __repr__ = __str__


def read_answer(prediction: Prediction, answer: float | str) -> Answer:
    """Return what ``answer`` stands for: a number, the text of a choice, or a choice's number counted from 1.

    Raises `InputError` when it is none of these.
    """
    match prediction.answers:
        case Number(unit):
            if isinstance(answer, int | float) and not isinstance(answer, bool):
                return float(answer)
            raise InputError(f"{answer!r} is not an answer", expected=f"a number of {unit}")
        case choices:
            texts = [choice.text for choice in choices]
            if isinstance(answer, int) and not isinstance(answer, bool) and 1 <= answer <= len(texts):
                return texts[answer - 1]
            if answer in texts:
                return str(answer)
            listed = "; ".join(f"{number} {text}" for number, text in enumerate(texts, 1))
            raise InputError(f"{answer!r} is not an answer", expected=f"one of: {listed}")


def judge(prediction: Prediction, answer: Answer | None, truth: Truth) -> Outcome:
    """Hold ``answer`` against ``truth``."""
    words = truth_in_words(prediction, truth)
    if answer is None or (isinstance(prediction.answers, Number) and isinstance(answer, str)):
        return Outcome(prediction.question, "", words, None)  # words were asked for before the lab was changed
    match prediction.answers:
        case Number(unit, close):
            measured = _number(prediction, truth)
            right = abs(float(answer) - measured) <= close
            return Outcome(prediction.question, f"{float(answer):g} {unit}", words, right)
        case choices:
            right = any(choice.text == answer for choice in choices if _fits(choice, truth))
            return Outcome(prediction.question, str(answer), words, right)


def truth_in_words(prediction: Prediction, truth: Truth) -> str:
    """Return what was measured as a learner reads it: with its unit, or as the choice that it fits."""
    match prediction.answers:
        case Number(unit):
            return f"{round(_number(prediction, truth), 1):g} {unit}"
        case choices:
            text = next((choice.text for choice in choices if _fits(choice, truth)), "none of the answers")
            return f"{text} ({truth:g})" if _is_number(truth) else text


def fitting(choices: Collection[Choice], words: Collection[str]) -> str | None:
    """Return the first of ``words`` that one of the choices stands for, None if there is none."""
    return next((word for word in words if any(choice.word == word for choice in choices)), None)


def _fits(choice: Choice, truth: Truth) -> bool:
    if choice.word is not None:
        return choice.word == truth
    if isinstance(truth, bool) or not isinstance(truth, int | float):
        return False
    return (choice.at_least is None or truth >= choice.at_least) and (choice.at_most is None or truth <= choice.at_most)


def _is_number(truth: Truth) -> bool:
    return isinstance(truth, int | float) and not isinstance(truth, bool)


def _number(prediction: Prediction, truth: Truth) -> float:
    if isinstance(truth, bool) or not isinstance(truth, int | float):
        raise InputError(
            f"the truth of the prediction {prediction.id!r} is {truth!r}",
            where=prediction.truth.where,
            expected="a number, as the question asks for one",
        )
    return float(truth)
