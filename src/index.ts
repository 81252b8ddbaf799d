// The public names, browser-safe.
export { backward, noGrad } from './autograd.ts'
export { type CifarKind, cifar10, cifar100, cifarDataset } from './data/cifar.ts'
export {
  balancedSubset,
  type Dataset,
  heldOut,
  type NamedBytes,
  type Picture,
  type PictureFiles,
  subset,
  validateDataset,
} from './data/dataset.ts'
export { type Decoder, imagenetColours, openFolder, readFolder } from './data/folder.ts'
export { fashionMnist, idxDataset, readIdx } from './data/idx.ts'
export { type SyntheticOptions, synthetic } from './data/synthetic.ts'
export type { Edge } from './distill/edge.ts'
export { checkGraph, formula, type Graph, type GraphNode } from './distill/graph.ts'
export * as methods from './distill/methods.ts'
export { Engine, type Step, type TensorOptions } from './engine.ts'
export {
  AdapterError,
  DeviceLostError,
  DistillError,
  FileError,
  InputError,
  OutOfMemoryError,
  ShaderError,
  ShapeError,
} from './errors.ts'
export type { Compiling } from './gpu/compiling.ts'
export type { Choices, Gpu, GpuInfo } from './gpu/gpu.ts'
export { Scalar } from './gpu/scalar.ts'
export type { FileLayer, FolderEntry } from './io/files.ts'
export { readSafetensors, type SafeFile, type SafeTensor, writeSafetensors } from './io/safetensors.ts'
export type { Folded } from './nn/fold.ts'
export { kaimingNormal, linearUniform } from './nn/init.ts'
export { NETWORK_NAMES, nameOf, networkNamed } from './nn/names.ts'
export { Parameters, type Spec } from './nn/parameters.ts'
export { type AnyNetwork, type Mode, type Network, type ResNetConfig, resnet } from './nn/resnet.ts'
export { loadWeights, saveWeights } from './nn/weights.ts'
export { type OnnxOptions, onnxModel } from './onnx.ts'
export { setChoices } from './ops/choices.ts'
export * from './ops/index.ts'
export {
  type Augmentation,
  type Downscale,
  type Modality,
  type PictureBytes,
  type PictureFile,
  type PictureSource,
  pictureSource,
  type RandAugment,
  type RandomResizedCrop,
  type ViewOptions,
} from './ops/pictures.ts'
export * from './optim.ts'
export { RandomStream, stream } from './random.ts'
export { type Bin, type Calibration, calibrate } from './report/calibration.ts'
export { type Metrics, metrics } from './report/metrics.ts'
export { type Answers as CalibrationAnswers, type Scaling, temperatureScaling } from './report/scaling.ts'
export { fitTemperature, type TemperatureFit } from './report/temperature.ts'
export * as schedules from './schedule.ts'
export { assign, type DType, type Layout, type Shape, Tensor, type TensorData } from './tensor.ts'
export { type EvaluateOptions, type Evaluation, evaluate } from './train/evaluate.ts'
export {
  AbortedError,
  DivergedError,
  type FitOptions,
  type FitResult,
  fit,
  type Parts,
  type Progress,
} from './train/fit.ts'
export type { Snapshot } from './train/snapshot.ts'
export type { Trial, Tried } from './tune/contest.ts'
export { type TuneOptions, type TuneShape, tune } from './tune/tune.ts'
export { holdsFor, mergeTunings, parseTuning, type Tuning, tuningText } from './tune/tuning.ts'
