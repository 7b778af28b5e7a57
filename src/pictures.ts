/** `fauve/pictures`: what else there is to measure, to draw and to know of pictures. */
export { cropBottom } from './image/crop.js';
export { outputFormat } from './image/file.js';
export { imageHeader } from './image/header.js';
export { kindNames, pictureKinds } from './image/kinds.js';
export { ssim } from './image/metrics.js';
export { quantise } from './image/quantise.js';
export { fitLongerSide } from './image/resize.js';
export { outputSize } from './image/size.js';
export { lossTerms } from './losses/total.js';
export { lossPlotSvg } from './report/plot.js';
export { gramMatrices } from './stylize/gram.js';
