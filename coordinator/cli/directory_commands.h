// SPDX-License-Identifier: Apache-2.0
//
// The commands that look into a state directory at rest. They read, and never write.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_

#include <string>

#include "coordinator/cli/console.h"

namespace trident {

// Reads all of it and compares base, markers, redo and decisions; says what there is, and what of
// it is damaged.
ExitCode VerifyDirectory(const std::string& dir, Console& console);

// The rows of one state, or of every one if `state` is empty, in key order, at the last decided
// txid: the base with the decided redo over it. Values of user types are shown as bytes.
ExitCode DumpDirectory(const std::string& dir, const std::string& state, Console& console);

// Prints why a directory could not be read, and returns the exit code: of an unreachable topology
// there can be no talk.
ExitCode ReportDirectory(Console& console, const Status& status);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_
