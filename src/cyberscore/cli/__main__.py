"""``python -m cyberscore.cli``, the same as the command ``cyberscore``."""

from cyberscore.cli import main

if __name__ == "__main__":
    main()
