"""The catalogue: a folder for each game that is known by name, with all that is known of it.

A folder has ``game.toml``, which ``known`` reads: packages, launch, settings, licence, tags, tasks.
Where the game has tasks, it also has ``judge.py`` (``judging`` says what a judge is), start states
and winning traces.  Another game is another folder, and no code elsewhere.
"""
