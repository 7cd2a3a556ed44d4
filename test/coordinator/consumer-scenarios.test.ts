import { scenarioTests } from '../support/scenario.js'
import { ConsumerDriver } from './support/consumer-driver.js'

scenarioTests('test/coordinator/consumer-scenarios', () => new ConsumerDriver())
