// SPDX-License-Identifier: Apache-2.0
//
// The dead letters of a running topology, or of a directory at rest, as the commands see them.
#ifndef TRIDENT_COORDINATOR_CLI_LETTER_READING_H_
#define TRIDENT_COORDINATOR_CLI_LETTER_READING_H_

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"
#include "coordinator/cli/dead_letter_commands.h"

namespace trident {

struct Letter {
  std::string stream;
  int64_t txid = 0;
  int64_t number = 0;
  std::string row;
  std::string error;
};

// Calls `take` for each letter, in the order of their keys. `client` is null if a directory is
// read; then errors are for ReportDirectory.
using OnLetter = std::function<void(const Letter&)>;
Status ForEachLetter(Client* client, const LetterArgs& args, const OnLetter& take);

// Whether a letter is one of those that were typed: by its key's first fields, and by its step.
// InvalidArgument: they are no key.
StatusOr<std::function<bool(const Letter&)>> WantedLetters(const LetterArgs& args);

Status NoSuchLetter();

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_LETTER_READING_H_
