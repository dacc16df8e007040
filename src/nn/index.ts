/** Layers, optimiser and the training step. */
export * from './adamw.ts';
export * from './layers.ts';
export * from './lstm.ts';
export * from './schedule.ts';
export * from './train-step.ts';
