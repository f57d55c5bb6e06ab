"""What the pictures of all games are made with: colours, textures, sprites, sparks, a display."""
