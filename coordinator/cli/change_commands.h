// SPDX-License-Identifier: Apache-2.0
//
// The commands that change a state directory. No process may be running on it; it is locked
// meanwhile. On an error, and after a crash, it is as it was, or changed as a whole.
#ifndef TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_

#include <string>

#include "coordinator/cli/console.h"

namespace trident {

// Deletes a state, so that a topology which does not declare it starts.
ExitCode DropStateIn(const std::string& dir, const std::string& state, Console& console);

// Gives a state another name, under which a topology declares it now.
ExitCode RenameStateIn(const std::string& dir, const std::string& state, const std::string& to,
                       Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_
