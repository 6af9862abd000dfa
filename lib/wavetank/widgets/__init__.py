"""What the learner sees: each view shows a plain model of traffic, faults, lesson or `wavetank.widgets.models`.

A view draws and passes clicks on; that is all. It never decides anything a terminal could not: whoever has no front
end calls the same models. It never keeps the kernel waiting, never says something by colour alone, and never makes
the page fetch anything from anywhere.
"""
