"""Which controller is where in a video.

features      points that can be found again: SIFT, XFeat
skins         a library's features, kept between processes
matching      from points of a skin to those of a picture, and the pose that follows
neutral       a skin with nothing pressed, as it stands in a picture
refine        a pose to a few hundredths of a pixel
verify        whether a skin is really there
presence      in which frames
sampling      some frames of a video, and their median
candidates    where it may be, by points
gradients     which edges stand still, and how like a skin's they are
edges         where it may be, by them: for the small and the faint
claims        where it is, by pixels
locate        all of it, for a video
"""
