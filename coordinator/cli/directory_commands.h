// SPDX-License-Identifier: Apache-2.0
//
// The commands that look into a state directory at rest. They read, and never write it.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/types.h"
#include "coordinator/cli/console.h"

namespace trident {

// Reads all of it and compares base, markers, redo and decisions; says what there is, and what of
// it is damaged.
ExitCode VerifyDirectory(const std::string& dir, Console& console);

// The rows of one state, or of every one if `state` is empty, in key order, at the last decided
// txid: the base with the decided redo over it. Values of user types are shown as bytes. Rows that
// cannot be read are named on the error stream; kDamaged if there are any.
ExitCode DumpDirectory(const std::string& dir, const std::string& state, Console& console);

// Calls `row` for each row of the states that `wanted` names, in key order within a state, at the
// last decided txid. `while_it_runs` says what to ask instead where a process has the directory.
// The errors of reading the directory, of damage, and of `row`.
struct RestingRow {
  const std::string& state;
  std::vector<Datum> key;
  std::optional<Datum> value;  // nullopt: there are only deltas
  std::vector<Datum> deltas;   // that only the topology can combine
};
Status ReadRows(const std::string& dir, std::string_view while_it_runs,
                const std::function<bool(const std::string& state)>& wanted,
                const std::function<Status(const RestingRow&)>& row);

// The last decided txid of each group of a directory in which VerifyDirectory finds no damage; else
// DataLoss with the first place, or why it could not be looked at.
StatusOr<std::map<GroupId, TxId>> CutOfWhole(const std::string& dir);

// Prints why a directory could not be read, and returns the exit code: of an unreachable topology
// there can be no talk.
ExitCode ReportDirectory(Console& console, const Status& status);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_COMMANDS_H_
