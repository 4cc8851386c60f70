"""Posteriors as scikit-learn estimators: for `Pipeline`, `GridSearchCV`, `cross_val_score` and all that takes them.

Importing this module loads scikit-learn; `import bayesreg` does not.
"""

from bayesreg.sklearn.classifier import PosteriorClassifier
from bayesreg.sklearn.regressor import PosteriorRegressor

__all__ = ["PosteriorClassifier", "PosteriorRegressor"]
