"""Speed, measured: nothing here passes or fails, it prints (see README.md)."""
