/** What the measuring itself costs: an iteration that does nothing. Figures near it say nothing more. */
import { plainSuite } from './suite.js'

export default plainSuite('floor', () => {
  const settled = Promise.resolve(0)
  const comparison = (name: string, run: () => unknown) => ({ group: 'floor', name, parameters: {}, subjects: [{ name: 'nothing', run }] })
  return [comparison('synchronous', () => 0), comparison('asynchronous', () => settled)]
})
