// The report's public names: what studies, the command line and tests use.
export { type Agreement, agreement } from './agreement.ts'
export { bootstrapBins } from './bootstrap.ts'
export {
  BINS,
  type Bin,
  type Calibration,
  calibrate,
  equalEdges,
  equalMassEdges,
  errorsOf,
  poolBins,
} from './calibration.ts'
export { caption, summary } from './caption.ts'
export type { ClaimResult, Part } from './claim.ts'
export { CQKD_CLAIMS, judgeClaims } from './claims.ts'
export { TRIKD_CLAIMS } from './claimsTrikd.ts'
export type { Table } from './columns.ts'
export type { Cells, Claim } from './compare.ts'
export {
  curveFigures,
  type Figure,
  reliabilityFigures,
  sizeFigures,
  teacherFigures,
  temperatureFigures,
} from './figures.ts'
export { axisFigures } from './figuresAxis.ts'
export { confusionFigures } from './figuresConfusion.ts'
export { mainFigures } from './figuresOf.ts'
export { generationFigures, mimicryFigure } from './figuresTrikd.ts'
export { type Group, groupRows, perSeed, summarise } from './groups.ts'
export { htmlReport, type ReportOptions } from './html.ts'
export { classwise, columns, type Metrics, metrics, softmax } from './metrics.ts'
export { NOT_ON_FILE, type PaperEntry, parsePapers } from './papers.ts'
export { REFERENCE } from './reference.ts'
export { parseResults, readResults } from './results.ts'
export {
  type Curve,
  type CurvePoint,
  type Results,
  type Row,
  type Run,
  SCHEMA_VERSION,
  type Status,
  type Teacher,
  type TeacherRow,
} from './rows.ts'
export { type Interval, interval, mean, paired, sd, type Verdict, verdict } from './stats.ts'
export { tables } from './table.ts'
export { agreementText, claimText, markdownReport, rowsCsv, summaryCsv, textReport } from './tableText.ts'
export { fitTemperature, type TemperatureFit } from './temperature.ts'
