"""What a result says: tables of success and progress, and one policy beside another.

``reports.summary.summary(folder)`` is the object that ``benchmark run --json`` prints;
``reports.report.report(folder)`` what ``benchmark report`` shows; ``reports.comparison.compare(a, b)``
what ``benchmark compare`` says; ``results.checking.check(folder)`` whether a result can be what it
says it is.
"""
