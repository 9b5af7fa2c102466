// The scores that a job can report, with a word on each; the same as GET /model/'s jobs take (contract J-110).

export const SCORES = {
  mse: "mean squared error", rmse: "its root, in the unit of the values", nrmse: "rmse by the range of the values", me: "mean error", mae: "mean absolute error", mad: "the same as mae",
  gmae: "geometric mean of absolute errors", mdae: "median absolute error", mpe: "mean error as a share", mape: "mean absolute error as a share", mdape: "median absolute share",
  smape: "symmetric share, 0 to 2", smdape: "its median", maape: "arctangent of shares", mase: "mae by that of repeating the last value; below 1 is better than that", std_ae: "spread of absolute errors",
  std_ape: "spread of absolute shares", rmspe: "root of mean squared shares", rmdspe: "root of the median squared share", rmsse: "scaled like mase, squared", inrse: "the same as rrse",
  rrse: "by the error of the mean", mre: "mean relative error", rae: "absolute errors by those of the mean", mrae: "mean relative absolute error", mdrae: "its median", gmrae: "its geometric mean",
  mbrae: "bounded relative error", umbrae: "the same unscaled", mda: "share of right directions", bias: "the same as me", r2: "share of the variance that is explained",
};

export const FIRST_SCORES = ["mae", "rmse", "mase", "smape"];

const UP = new Set(["r2", "mda"]); // more is better
const SIGNED = new Set(["me", "mpe", "bias", "mre"]); // nearer to zero is better

/** How bad a score is: the larger the worse; null where it is not defined. */
export function badness(name, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  if (UP.has(name)) return -value;
  return SIGNED.has(name) ? Math.abs(value) : value;
}

export function median(values) {
  const known = values.filter((value) => typeof value === "number" && Number.isFinite(value)).sort((a, b) => a - b);
  if (!known.length) return null;
  const half = known.length >> 1;
  return known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
}
