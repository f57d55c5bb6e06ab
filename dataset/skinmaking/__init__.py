"""How the skins that come along are drawn: ``python -m nitropilot.dataset.skinmaking``."""
