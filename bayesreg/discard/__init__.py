"""What a point estimate discards, quantity by quantity, from draws of the posterior."""

from bayesreg.discard.amount import Amount, amount
from bayesreg.discard.bootstrap import bootstrap
from bayesreg.discard.debiased import debiased
from bayesreg.discard.decisions import Decision, decision
from bayesreg.discard.functions import FunctionResult, function
from bayesreg.discard.horseshoe import HorseshoeFit, horseshoe
from bayesreg.discard.information import Information, information, quantile_of
from bayesreg.discard.intervals import Beside, Intervals, beside
from bayesreg.discard.joint import TradeOffs, correlations, tradeoffs
from bayesreg.discard.kfold import kfold
from bayesreg.discard.lints import Lint, lints
from bayesreg.discard.loo import prediction
from bayesreg.discard.normal_means import NormalMeans, normal_means
from bayesreg.discard.points import Draw
from bayesreg.discard.scores import PredictionLedger
from bayesreg.discard.selection import Selection, selection
from bayesreg.discard.shrinkage import Shrinkage, shrinkage
from bayesreg.discard.typicality import Typicality, typicality
from bayesreg.discard.waterfall import LibraryFit, Waterfall, waterfall

__all__ = [
    "Amount", "Beside", "Decision", "Draw", "FunctionResult", "HorseshoeFit", "Information", "Intervals", "LibraryFit",
    "Lint", "NormalMeans", "PredictionLedger", "Selection", "Shrinkage", "TradeOffs", "Typicality", "Waterfall",
    "amount", "beside", "bootstrap", "correlations", "debiased", "decision", "function", "horseshoe", "information",
    "kfold", "lints", "normal_means", "prediction", "quantile_of", "selection", "shrinkage", "tradeoffs", "typicality",
    "waterfall",
]  # fmt: skip
