// SPDX-License-Identifier: Apache-2.0
//
// The commands about dead letters: rows that no attempt could process. They are rows of states of
// their own, in a running topology and in a directory at rest.
#ifndef TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_

#include <string>
#include <vector>

#include "coordinator/cli/client.h"
#include "coordinator/cli/console.h"

namespace trident {

// What someone typed behind `trident deadletters ...`.
struct LetterArgs {
  std::string dir;  // a state directory at rest; empty: the running topology
  // Of the letters to show: stream, txid, row; the first ones, or all of them.
  std::vector<std::string> key;
};

// How many letters each stream has. `client` is null if a directory is read.
ExitCode ListLetters(Client* client, const LetterArgs& args, Console& console);
// Each letter with its stream, txid, number, row and error.
ExitCode ShowLetters(Client* client, const LetterArgs& args, Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DEAD_LETTER_COMMANDS_H_
