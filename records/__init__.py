"""The format of recordings: what was sent to the pad for each frame of a game's video.

``records.format`` says what a recording is made of, ``records.rows`` what a row is,
``records.writer`` writes recordings and ``records.reader`` reads them and the published
NitroGen action data set, whose layout they share.

Whoever records, trains on or looks at recordings builds on this package, and it builds on none
of them.  Importing it costs nothing: pyarrow is imported when a Parquet file is first needed.
"""
