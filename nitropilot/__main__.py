"""``python -m nitropilot`` is the ``nitropilot`` command (handy when it is not on PATH)."""

from nitropilot.server.cli.main import main

if __name__ == "__main__":
    main()
