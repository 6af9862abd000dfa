"""What holds for every test."""

import signal

# A background job of a non-interactive shell ignores SIGINT, and its children inherit that. Ctrl-C is tested for real.
signal.signal(signal.SIGINT, signal.default_int_handler)
