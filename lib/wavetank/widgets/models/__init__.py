"""What views show that no other package has a model of: pure pictures, made from what the API server says.

Each picture is an immutable value with a function ``after(picture, change)``; no thread, no clock and no widget is
needed to build one, so a test or a learner in a terminal does it by hand.
"""
