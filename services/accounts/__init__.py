"""Accounts: signing up and in, sessions and their tokens, the own profile.

`tokens` makes and reads secrets, `sessions` signs in and out, `users` makes and changes accounts.
"""
