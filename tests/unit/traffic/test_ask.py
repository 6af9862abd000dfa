"""Asking a counted number of times: the script that runs in a pod, against a real service, and what is made of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from tests.support.tidewater import running

from wavetank.errors import InputError
from wavetank.traffic import Answer, Answers, Question
from wavetank.traffic.asker import main


def asked(**what: Any) -> Answers:
    return Answers(Answer(**answer) for answer in json.loads(main(json.dumps(asdict(Question(**what))))))


def test_every_request_is_sent_and_every_answer_kept() -> None:
    with running("timetable", VERSION="v2") as timetable:
        answers = asked(url=f"{timetable.url}/sailings", times=7, at_once=3)
        assert answers.statuses == {200: 7}
        assert answers.counted("timetable") == {"v2": 7}
        assert 'status="200"} 7' in timetable.ask("GET", "/metrics").text


def test_method_headers_and_body_arrive() -> None:
    with running("payment") as payment:
        (answer,) = asked(url=f"{payment.url}/payments", method="POST", body='{"amount": 5}')
        assert (answer.status, answer.field("amount")) == (201, 5)


def test_who_does_not_answer_is_counted_with_the_reason() -> None:
    with running("timetable") as timetable:
        url = timetable.url
    answers = asked(url=f"{url}/sailings", times=2, timeout=2.0)
    assert answers.statuses == {0: 2}
    assert "2 x no answer (ConnectionRefusedError" in repr(answers)


def test_shares_are_of_statuses_and_of_what_bodies_say() -> None:
    bodies = ['{"timetable": "v1"}'] * 3 + ['{"timetable": "v2"}', "not JSON", "[1]"]
    answers = Answers(Answer(200, 0.01, body) for body in bodies)
    assert answers.share(timetable="v1") == 0.5
    assert answers.share(timetable="v2", status=200) == pytest.approx(1 / 6)
    assert answers.share(status=503) == 0
    assert answers.counted("timetable")[None] == 2


def test_words_tell_counts_and_times() -> None:
    answers = Answers([Answer(200, 0.1), Answer(200, 0.3), Answer(503, 0.2)])
    assert repr(answers) == "3 asked: 2 x 200, 1 x 503; 0.100 to 0.300 s, half of them within 0.200 s"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"url": "timetable"}, "url"), ({"times": 0}, "times"), ({"at_once": 99}, "at_once"), ({"timeout": 0}, "timeout")],
)
def test_a_question_that_cannot_be_asked_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Question(**{"url": "http://timetable/", **change})
