export { nodeWorkerSolver } from './node-workers.js';
export { readRecipe, readRecipeFile, writeRecipeFile } from './node/recipe-io.js';
export { applyRecipe, type AppliedPart, type ApplyOptions } from './node/apply-recipe.js';
export type { FolderSystem } from './node/output-folder.js';
export { openEvaluationLog, type EvaluationLogFile } from './node/evaluation-log-file.js';
