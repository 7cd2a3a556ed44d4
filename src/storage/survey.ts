/** What one look into the folder of a log found, as the parts of the engine want it. Contents that were not read with it are read here. */
import path from 'node:path'
import { StorageError } from '../errors.js'
import { NONE, surveyFolders, UNREAD, type FolderSurvey } from '../native/folders.js'
import type { Runtime } from '../native/runtime.js'
import { parseEpochCheckpoint, type EpochStart } from './checkpoints.js'
import { readFile, readIfThere, storageError } from './files.js'
import { LEADER_EPOCH_FILE, PARTITION_METADATA_FILE, pathIn } from './names.js'
import { parseTopicId } from './partition-folder.js'

export { NOT_A_FILE, type FolderSurvey } from '../native/folders.js'

const SURVEYED = [PARTITION_METADATA_FILE, LEADER_EPOCH_FILE] as const

/** Several folders of one log directory, by name. Rejects with a StorageError. */
export function surveyLogs(runtime: Runtime, dir: string, folders: readonly string[]): Promise<(FolderSurvey | StorageError)[]> {
  return surveyFolders(runtime, dir, folders, SURVEYED)
}

/** One folder, by path. Rejects with a StorageError. */
export async function surveyLog(runtime: Runtime, folder: string): Promise<FolderSurvey> {
  const [survey] = await surveyLogs(runtime, path.dirname(folder), [path.basename(folder)])
  if (survey === undefined || survey instanceof StorageError) throw survey ?? new StorageError('EIO', folder)
  return survey
}

/** The zero id when there is none. Rejects with a StorageError. */
export async function surveyedTopicId(survey: FolderSurvey, folder: string): Promise<string> {
  return parseTopicId(await surveyedText(survey, folder, PARTITION_METADATA_FILE), pathIn(folder, PARTITION_METADATA_FILE))
}

/** Rejects with a StorageError, or with a WireError when the file is malformed. */
export async function surveyedEpochs(survey: FolderSurvey, folder: string): Promise<EpochStart[]> {
  return parseEpochCheckpoint(await surveyedText(survey, folder, LEADER_EPOCH_FILE), pathIn(folder, LEADER_EPOCH_FILE))
}

/** The contents of the producer snapshot that the survey read; undefined: it has read another one. Rejects with a StorageError. */
export async function surveyedSnapshot(survey: FolderSurvey | undefined, file: string): Promise<Buffer> {
  if (survey !== undefined && survey.snapshot !== NONE && survey.snapshot !== UNREAD) return survey.snapshot
  try {
    return await readFile(file)
  } catch (error) {
    throw storageError(error, file)
  }
}

async function surveyedText(survey: FolderSurvey, folder: string, name: (typeof SURVEYED)[number]): Promise<string | undefined> {
  const text = survey.texts[SURVEYED.indexOf(name)]
  if (text === UNREAD) return readIfThere(pathIn(folder, name))
  return text === NONE || text === undefined ? undefined : text
}
