"""``python -m wavetank``: the command line, and the entry point of every container made of Wavetank's own image."""

from wavetank.cli import main

if __name__ == "__main__":
    main()
