"""Settings of every property test."""

from hypothesis import settings

# no deadline: machines that run tests are shared, and time is the benchmarks' business
settings.register_profile("house", deadline=None)
settings.load_profile("house")
