export { PaletteError, PalettizeError, RecipeError } from './errors.js';
export { checkLayerBits, isPaletteBits, paletteBits, paletteSize, type LayerBits, type PaletteBits } from './bits.js';
export { ValueHistogram, type Distribution } from './kmeans/histogram.js';
export { makePalettes, type MakePalettesOptions, type Palette } from './kmeans/palette.js';
export { paletteLookup } from './kmeans/lookup.js';
export { directSolver, type ClusterSolver, type ClusterTask } from './workers/solver.js';
export { webWorkerSolver, type WorkerSolverOptions } from './web-workers.js';
export { linearInt8, publishedLinearInt8, type LinearInt8Scheme } from './linear-int8.js';
