/**
 * The quantile function of the beta distribution with both parameters equal, as `scipy.stats.beta.ppf(p, a, a)`.
 *
 * Beta sigmas (arXiv 2407.12173) space noise levels by it, at a = 0.6.
 *
 * @param probability - From 0 to 1.
 * @param a - Both parameters, above 0.
 * @returns The value below which that share of the distribution lies, right to about 1e-14.
 */
export function symmetricBetaQuantile(probability: number, a: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  // The distribution mirrors at 1/2: work in the half where no digits are lost.
  if (probability > 0.5) return 1 - symmetricBetaQuantile(1 - probability, a);
  const complete = Math.exp(2 * logGamma(a) - logGamma(2 * a));
  let low = 0;
  let high = 0.5;
  // Near 0 the distribution is x^a / (a·B): a start from which Newton's steps converge; bisection guards them.
  let x = Math.min(0.5, (probability * a * complete) ** (1 / a));
  for (let i = 0; i < 100; i++) {
    const excess = share(x, a, complete) - probability;
    if (excess > 0) high = x;
    else low = x;
    const density = (x * (1 - x)) ** (a - 1) / complete;
    let next = x - excess / density;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - x) <= 1e-16 * x) return next;
    x = next;
  }
  return x;
}

/** The distribution function at x ≤ 1/2: x^a·(1 − x)^a / (a·B) · Σ of a hypergeometric series that halves each term. */
function share(x: number, a: number, complete: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 0; k < 200 && term > sum * 1e-17; k++) {
    term *= (x * (2 * a + k)) / (a + 1 + k);
    sum += term;
  }
  return ((x * (1 - x)) ** a * sum) / (a * complete);
}

/** ln Γ for positive arguments: Stirling's series after shifting the argument above 12. */
function logGamma(z: number): number {
  let shift = 0;
  let x = z;
  for (; x < 12; x++) shift += Math.log(x);
  const inverse = 1 / x;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
