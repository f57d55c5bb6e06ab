"""Runner, the platformer: run, jump over what lies in the way, reach the flag."""
