"""What was read of a video against what is known of it: a recording made meanwhile."""
