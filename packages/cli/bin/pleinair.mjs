#!/usr/bin/env node
// A file that exists before the first build, so that installing the workspace can link the command.
import '../dist/bin.js';
