/** All public names of Node, of all doors. */
export * from '#src/files.js';
export * from '#src/index.node.js';
export * from '#src/jobs.js';
export * from '#src/node.js';
export * from '#src/pictures.js';
export * from '#src/training.js';
