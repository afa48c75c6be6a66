"""The waitlist: joining a line and leaving it, and what is done with a time that is offered.

Who is offered what, and when, is decided where time opens: in `services/calendar/offers.py`.
"""
