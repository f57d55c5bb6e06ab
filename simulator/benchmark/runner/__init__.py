"""Plays suites of tasks with policies, each episode in a process of its own."""
