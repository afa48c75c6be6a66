"""Appointments: `booking` takes time, `changes` moves visits through their states, `lists` reads.

Which act may follow which status stands in `states`.
"""
