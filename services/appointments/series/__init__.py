"""Series: appointments that are booked together, week after week, and cancelled together.

When they fall is worked out in `recurrence`; each is an appointment as any other.
"""
