import { expose } from 'comlink';
import { createEngine } from './studio-engine.js';

expose(createEngine());
