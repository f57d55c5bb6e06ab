"""The daemon, its API and the ``nitropilot`` command line."""
