"""The directory: departments, offices, doctors and patients, one file each."""
