"""The partner that takes the money. It belongs to somebody else, and is as reliable as its faults let it be."""

import itertools

from shared.service import Answer, RefusedError, Request, Service

service = Service("payment")
numbers = itertools.count(1)


@service.route("POST", "/payments")
def pay(request: Request) -> Answer:
    """Take a payment: ``{"amount": 12.5}`` becomes its number."""
    amount = request.json().get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        raise RefusedError(422, "amount: expected a number above 0")
    return Answer(201, {"payment": next(numbers), "amount": amount})


if __name__ == "__main__":
    service.run()
