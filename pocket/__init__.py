"""How the policy that is shipped is made: ``make pocket``.

    pocket.samples    the arcade's scripts play, and what they would press is kept with the picture
    pocket.learning   one network for all games, and what it is taught with
    pocket.recipe     all numbers of it, in one place
    pocket.run        the whole of it, from nothing to a file with a card

What is general of training lives in ``training``; this room has what two cores and an hour ask for.
"""
