// SPDX-License-Identifier: Apache-2.0
//
// Shell completion scripts for a tree of commands.
#ifndef TRIDENT_COORDINATOR_CLI_COMPLETION_H_
#define TRIDENT_COORDINATOR_CLI_COMPLETION_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace trident {

// One command and the words that may follow it.
struct CompletedCommand {
  std::string path;                // "trident state get"
  std::vector<std::string> words;  // commands below it, then its options
};

// A script to be sourced, for bash, zsh or fish. InvalidArgument for another shell.
StatusOr<std::string> CompletionScript(std::string_view shell,
                                       const std::vector<CompletedCommand>& commands);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_COMPLETION_H_
