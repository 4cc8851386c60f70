"""How fast it is, as ratios to what people use, measured in one run: `python -m benchmarks [--quick]`.

A ratio is their time over ours, both taken minutes apart on the same machine: above 1, ours is the faster.  Seconds
stand beside it and mean little elsewhere.  On a shared or throttled machine a single cold run varies by a third, and
so does a ratio; nothing here is a test, and a target missed by a little is a reason to run it again.

The samplers have a table of their own, which `python -m benchmarks posteriors [--quick] [--tasks T1 T4]` prints alone:
every contender on every posterior of `tasks`, each in cold processes, and what is asked of ours.  Bambi and NumPyro are
raced where the environment variable BENCH_PEERS is the path of a Python that has them.

Each file measures one thing and returns rows.  What they have in common (cold processes, repeats) is in `measure`.
"""
