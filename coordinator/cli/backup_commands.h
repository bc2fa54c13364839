// SPDX-License-Identifier: Apache-2.0
//
// The commands that copy a state directory: away from a running topology, or from one at rest, and
// back. What they leave was read again whole (VerifyDirectory), or they leave nothing.
#ifndef TRIDENT_COORDINATOR_CLI_BACKUP_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_BACKUP_COMMANDS_H_

#include <string>

#include "coordinator/cli/client.h"
#include "coordinator/cli/console.h"

namespace trident {

// `target` becomes a backup of the running topology, at one committed cut.
ExitCode BackupRunning(Client& client, const std::string& target, Console& console);
// The same of a directory at rest.
ExitCode BackupDirectory(const std::string& dir, const std::string& target, Console& console);
// `dir` becomes a state directory with the content of the backup.
ExitCode RestoreBackup(const std::string& backup, const std::string& dir, Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_BACKUP_COMMANDS_H_
