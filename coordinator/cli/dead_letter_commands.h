// SPDX-License-Identifier: Apache-2.0
//
// The commands about dead letters: rows that no attempt could process. They are rows of states of
// their own, in a running topology and in a directory at rest. A running topology can try them
// again, or give them up.
#ifndef TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/cli/client.h"
#include "coordinator/cli/console.h"

namespace trident {

// What someone typed behind `trident deadletters ...`.
struct LetterArgs {
  std::string dir = {};  // a state directory at rest; empty: the running topology
  // Of the letters: stream, txid, row; the first ones, or all of them.
  std::vector<std::string> key = {};
  std::string step = {};  // whose function failed; empty: of any step
  enum class Which : uint8_t { kNamed, kAll } which = Which::kNamed;
  enum class Shown : uint8_t { kBegin, kWhole } shown = Shown::kBegin;  // of long texts
};

// How many letters each stream has. `client` is null if a directory is read.
ExitCode ListLetters(Client* client, const LetterArgs& args, Console& console);
// Each letter with its stream, txid, number, row and error.
ExitCode ShowLetters(Client* client, const LetterArgs& args, Console& console);
// Has the letters tried again or dropped, and waits until that is committed. kOk if all are gone.
ExitCode ChangeLetters(Client& client, LetterAction action, const LetterArgs& args,
                       Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_
