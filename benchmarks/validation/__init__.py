"""The validation of the samplers, whole: `python -m benchmarks.validation` writes docs/validation.md."""
