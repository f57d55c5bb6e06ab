"""The five games, a folder each: level, world (the rules), expert, painter."""
