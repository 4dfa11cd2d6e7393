export { DiskFile } from './disk-file.js';
export { goodHabits, type HubHabits } from './hub-habits.js';
export {
  gitBlobId,
  HubRepo,
  type HubCommit,
  type HubContent,
  type HubTreeEntry,
  type RepoManners,
} from './hub-repos.js';
export { HubServer } from './hub-server.js';
export { hubCommands, type SentContent } from './browser-commands.js';
