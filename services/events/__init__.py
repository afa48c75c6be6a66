"""Events: `lists` reads, `changes` makes, changes and publishes, `slots` are what is booked.

Booking a place is the business of `appointments`; who sees what is hidden, of `calendar.owners`.
"""
