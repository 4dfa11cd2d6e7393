import { expose } from 'comlink';
import { createModelsEngine } from './models-engine.js';

expose(createModelsEngine());
