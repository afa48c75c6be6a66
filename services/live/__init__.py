"""What keeps live views up to date: hints between processes, and the feeds that they advance.

Nothing here knows a rule of booking, or a viewer.
"""
