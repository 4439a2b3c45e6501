"""`python -m kifabrik` is the command `kifabrik`; compute jobs are started this way."""

from kifabrik.cli.main import main

if __name__ == "__main__":
    main()
