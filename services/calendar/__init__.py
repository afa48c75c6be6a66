"""Calendars: slots, claims and the live feed.

`grid` is the write protocol that every act goes through, `rules` says what may be booked, `slots`
reads, `generation` makes slots from working hours, `blocks` closes time, `watch` is the live view.
"""
