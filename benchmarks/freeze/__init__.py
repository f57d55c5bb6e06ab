"""The freeze experiment: does a game go another way when it stands still while a policy thinks?"""
