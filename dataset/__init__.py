"""Players' actions out of videos with a controller drawn over them.

    dataset.templates    how controllers on screen look: presets, a library of them
    dataset.drawing      a controller in any state, as it stands in a video
    dataset.video        frames as the codec has them, with their times
    dataset.synth        videos whose truth is known
    dataset.looks        made-up controllers of many looks
    dataset.styles       samples of them without an end, for learned readers
    dataset.locating     which controller is where in a video
    dataset.reading      what is pressed in each frame
    dataset.output       the published layout, written
    dataset.extracting   all of it, over many videos

Importing this package loads nothing.
"""
