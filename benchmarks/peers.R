# R's samplers on a posterior of the benchmarks, each with 4 chains of 1000 + 1000:
#   Rscript benchmarks/peers.R monomvn|bayesreg|rstanarm FAMILY PRIOR SCALE TABLE.csv DRAWS.csv SEED
# The table has y in its first column and standardised predictors in the others.  The draws of the coefficients are
# left in a file, one chain below the other; the last line printed is JSON, of the same form as that of peers.py.

given <- commandArgs(trailingOnly = TRUE)
package <- given[1]
family <- given[2]
scale <- as.numeric(given[4])
table <- as.matrix(read.csv(given[5], header = FALSE))
y <- table[, 1]
X <- table[, -1]
seed <- as.integer(given[7])
set.seed(seed)
stopifnot(given[3] == "laplace")

# Its prior is in units of sigma: the rate that gives the scale at the residual sd of least squares.
run_monomvn <- function() {
  rate <- summary(lm(y ~ X))$sigma / scale
  one <- function(chain) {
    fit <- monomvn::blasso(X, y, T = 2000, thin = 1, RJ = FALSE, lambda2 = rate^2, rd = FALSE, normalize = FALSE,
                           verb = 0)
    fit$beta[1001:2000, ]
  }
  list(draws = do.call(rbind, lapply(1:4, one)), note = "another posterior: its prior is in units of sigma")
}

run_bayesreg <- function() {
  frame <- data.frame(y = if (family == "bernoulli") factor(y) else y, X)
  model <- if (family == "bernoulli") "logistic" else "gaussian"
  one <- function(chain) {
    t(bayesreg::bayesreg(y ~ ., frame, model = model, prior = "lasso", n.samples = 1000, burnin = 1000, thin = 1)$beta)
  }
  list(draws = do.call(rbind, lapply(1:4, one)), note = "another posterior: it learns the prior's scale")
}

run_rstanarm <- function() {
  frame <- data.frame(y = y, X)
  kind <- if (family == "bernoulli") binomial() else gaussian()
  fit <- rstanarm::stan_glm(
    y ~ ., data = frame, family = kind, prior = rstanarm::laplace(0, scale, autoscale = FALSE), prior_intercept = NULL,
    prior_aux = rstanarm::cauchy(0, sd(y), autoscale = FALSE), chains = 4, iter = 2000, seed = seed, refresh = 0
  )
  draws <- as.array(fit)[, , colnames(frame)[-1]]
  list(draws = do.call(rbind, lapply(1:4, function(chain) draws[, chain, ])), note = "")
}

peak_memory <- function() {
  line <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

invisible(loadNamespace(package))
imported <- peak_memory()
start <- proc.time()[["elapsed"]]
found <- switch(package, monomvn = run_monomvn(), bayesreg = run_bayesreg(), rstanarm = run_rstanarm())
seconds <- proc.time()[["elapsed"]] - start
peak <- peak_memory()
print(t(apply(found$draws, 2, function(x) c(mean = mean(x), sd = sd(x), quantile(x, c(0.05, 0.95))))))
write.table(format(found$draws, digits = 17), given[6], sep = ",", quote = FALSE, row.names = FALSE, col.names = FALSE)
cat(sprintf(
  paste0('\n{"compiling": 0, "sampling": [%.4f], "whole": [%.4f], "peak": %.1f, "imported": %.1f, "method": "", ',
         '"note": "%s", "versions": {"R": "%s", "%s (R)": "%s"}}\n'),
  seconds, seconds, peak, imported, found$note, getRversion(), package, packageVersion(package)
))
