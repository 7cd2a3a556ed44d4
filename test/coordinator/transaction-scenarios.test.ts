import { scenarioTests } from '../support/scenario.js'
import { TransactionDriver } from './support/transaction-driver.js'

scenarioTests('test/coordinator/transactions', () => new TransactionDriver())
