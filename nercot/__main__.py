"""`python -m nercot`."""

from nercot.cli import main

if __name__ == "__main__":
    main()
