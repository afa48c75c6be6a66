"""External calendars: what is busy elsewhere is busy here.

`connecting` are the acts and what staff see, `reading` is the job that reads each calendar every
few minutes. Beneath them: `addresses` says where one may read, `fetching` reads, `busy` is a
program of its own that finds the busy times in what was read, `programs` runs it, `busy_claims`
makes claims of them.
"""
