// SPDX-License-Identifier: Apache-2.0
//
// The commands that change a state directory. No process may be running on it; it is locked
// meanwhile. On an error, and after a crash, it is as it was, or changed as a whole.
#ifndef TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "coordinator/cli/console.h"
#include "coordinator/cli/directory/state_changes.h"

namespace trident {

// Deletes a state, so that a topology which does not declare it starts. Says what goes: names, keys
// and bytes.
enum class Consent : uint8_t {
  kNone,  // it is only said, and nothing is changed
  kYes,
};
ExitCode DropStateIn(const std::string& dir, const std::string& state, Consent consent,
                     Console& console);

// Gives a state another name, under which a topology declares it now.
ExitCode RenameStateIn(const std::string& dir, const std::string& state, const std::string& to,
                       Console& console);

// Gives a state another number of partitions, which a topology declares now.
ExitCode RepartitionStateIn(const std::string& dir, const std::string& state, uint64_t partitions,
                            Console& console);

struct SourceArgs {
  std::string dir = {};
  std::string stream = {};
  std::optional<std::string> partition = {};
  std::string position = {};
  bool yes = false;  // else only the cost is said
};

// Where the source partitions of each stream stand. Changes nothing.
ExitCode ListSources(const SourceArgs& args, Console& console);

// Takes a partition for one that was never read; without a partition all of the stream, and the
// stream for one that was never there.
ExitCode ForgetSources(const SourceArgs& args, Console& console);

// Lets a partition go on from a position, written as ListSources writes it.
ExitCode SetSource(const SourceArgs& args, Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CHANGE_COMMANDS_H_
