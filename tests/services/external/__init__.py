"""The timetable: instants written out by hand, then laws that hold in every zone."""
