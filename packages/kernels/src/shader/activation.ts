/** Elementwise functions that kernels apply while a value is in registers. */
export type Activation = 'none' | 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'silu';

// Clamped so that exp never overflows: WGSL leaves the result of an overflow open.
const sigmoid = `fn sigmoid4(v: vec4<f32>) -> vec4<f32> { return 1.0 / (1.0 + exp(clamp(-v, vec4<f32>(-80.0), vec4<f32>(80.0)))); }`;

// Abramowitz and Stegun 7.1.26, absolute error at most 1.5e-7.
const gelu = `fn erf4(v: vec4<f32>) -> vec4<f32> {
  let a = abs(v);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let e = 1.0 - p * exp(max(-a * a, vec4<f32>(-80.0)));
  return select(e, -e, v < vec4<f32>(0.0));
}
fn gelu4(v: vec4<f32>) -> vec4<f32> { return 0.5 * v * (1.0 + erf4(v * 0.7071067811865476)); }`;

// 0.5·(1 + tanh z) = sigmoid(2z).
const geluTanh = `fn gelu_tanh4(v: vec4<f32>) -> vec4<f32> { return v * sigmoid4(1.5957691216057308 * (v + 0.044715 * v * v * v)); }`;

const texts: Record<Exclude<Activation, 'none'>, { readonly name: string; readonly parts: readonly string[] }> = {
  gelu: { name: 'gelu4', parts: [gelu] },
  gelu_tanh: { name: 'gelu_tanh4', parts: [sigmoid, geluTanh] },
  quick_gelu: {
    name: 'quick_gelu4',
    parts: [sigmoid, `fn quick_gelu4(v: vec4<f32>) -> vec4<f32> { return v * sigmoid4(1.702 * v); }`],
  },
  silu: { name: 'silu4', parts: [sigmoid, `fn silu4(v: vec4<f32>) -> vec4<f32> { return v * sigmoid4(v); }`] },
};

/** WGSL functions of the activations a kernel uses, each once. */
export function activationText(used: Iterable<Activation>): string {
  const parts = new Set<string>();
  for (const activation of used) {
    if (activation !== 'none') for (const part of texts[activation].parts) parts.add(part);
  }
  return [...parts].join('\n');
}

/** WGSL expression of an activation of a `vec4<f32>` expression. All of them give 0 for 0, so pad lanes stay zero. */
export function activate(activation: Activation, expression: string): string {
  return activation === 'none' ? expression : `${texts[activation].name}(${expression})`;
}

/** The same in JavaScript, in float64: what the kernels are checked against. */
export function activationReference(activation: Activation, x: number): number {
  switch (activation) {
    case 'none':
      return x;
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'gelu_tanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'quick_gelu':
      return x / (1 + Math.exp(-1.702 * x));
    case 'silu':
      return x / (1 + Math.exp(-x));
  }
}

/** erf to float64 by its Maclaurin series (small |x|) or continued fraction (large). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 120; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
