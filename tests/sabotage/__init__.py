"""Deliberate faults in copies of the program, each of which one named test has to catch.

A promise is worth what notices when it is broken.  Each row of the lists here
(``*.toml``) breaks one; ``make sabotage`` applies them one by one and runs the tests that are
named, before and after.
"""
