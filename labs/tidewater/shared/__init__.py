"""What every Tidewater service stands on: serving, calling, measuring, and failing on purpose."""
