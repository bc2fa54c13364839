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

struct CompletedOption {
  enum class Takes : uint8_t { kNothing, kValue };
  std::string name;  // "--limit", "-o"
  Takes takes = Takes::kNothing;
  std::vector<std::string> choices;  // of its value, if they are known
};

// One command and what may follow it.
struct CompletedCommand {
  enum class Files : uint8_t { kNo, kYes };
  std::string path;                // "trident state get"
  std::vector<std::string> words;  // commands below it, or the values of its argument
  std::vector<CompletedOption> options;
  Files files = Files::kNo;  // its argument is a path
};

// A script to be sourced, for bash, zsh or fish. The first command is the program itself, whose
// options may stand behind every command. InvalidArgument for another shell.
StatusOr<std::string> CompletionScript(std::string_view shell,
                                       const std::vector<CompletedCommand>& commands);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_COMPLETION_H_
