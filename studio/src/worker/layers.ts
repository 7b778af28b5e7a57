/** Layers that the distilled loss networks can be asked for. */
export const layerNames = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu4_2', 'relu5_1'] as const;

/** Those that a captured style holds. */
export const styleLayerNames = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'] as const;
