export { freshDevice, testDevice } from './device.js';
export { randomArray, randomHalves, randomIntegers } from './random.js';
export { expectClose, relativeRms, tolerance, type Accuracy } from './compare.js';
export { readGolden, type Golden, type GoldenTensor } from './golden.js';
export { seededInput, seededWeight, type SeededFill } from './seeded-weights.js';
