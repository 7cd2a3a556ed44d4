import { scenarioTests } from '../support/scenario.js'
import { GroupDriver } from './support/group-driver.js'

scenarioTests('test/coordinator/scenarios', () => new GroupDriver())
