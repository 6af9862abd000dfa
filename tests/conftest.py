"""What holds for every test."""

import signal
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

# A background job of a non-interactive shell ignores SIGINT, and its children inherit that. Ctrl-C is tested for real.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Made input is the same with every run, so that what was green stays so, and nothing is kept between two runs. The
# deadline is for what does not end: whoever measures more on a busy machine measures the machine.
settings.register_profile(
    "wavetank",
    derandomize=True,
    database=None,
    max_examples=100,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=False,
)
settings.load_profile("wavetank")
# Left alone it also takes constants out of whatever modules are loaded: other ones, when other tests have run before.
providers._get_local_constants = lambda: providers._local_constants
