"""The audit trail as it is read, sealed and verified. It is written in `services/trail.py`."""
