"""bayesreg: a Bayesian MAP vs. full-posterior workbench.

Which prior does a penalty assume, and what does the point estimate discard?  The public names are listed in
`__init__.pyi` and loaded on first use, so that importing the package loads neither PyMC nor Matplotlib.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
