module wavetank.dev/source/pause

go 1.26.0

tool wavetank.dev/source/pause
