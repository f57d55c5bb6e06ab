"""What a result says: tables of success and progress, and one policy beside another.

``summary.summary(folder)`` is the object that ``benchmark run --json`` prints,
``report.report(folder)`` what ``benchmark report`` shows, and ``comparison.compare(one, other)``
what ``benchmark compare`` says.
"""
